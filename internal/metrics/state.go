package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is how things are when Prometheus asks. What is not known is left out.
type State struct {
	// Streams are open at this server, Keys those of links.
	Streams, Keys int
	// Certificate is when the server's own expires, CallersCA when the last CA of
	// its callers does; zero without TLS.
	Certificate, CallersCA time.Time
	Connections            Connections
	// Database is nil if it does not answer.
	Database *Database
}

// Connections are those to the database.
type Connections struct {
	InUse, Idle, Most int
	// Waits are how often somebody waited for one, and Waited for how long in all.
	Waits  int64
	Waited time.Duration
}

// Database is what it knows of the mails of all servers.
type Database struct {
	// Needed is the schema's version that this release needs.
	SchemaVersion, Needed int64
	// Queued has mails by the state of their jobs.
	Queued map[string]int
	// Oldest is how long the mail has waited that should have gone out first.
	Oldest time.Duration
	// Rested is how long the mail queue has rested; zero if it does not.
	Rested time.Duration
	// Pauses are how many organizations operations has wait, where all count as one.
	Pauses int
}

// lookTime is how long looking may take.
const lookTime = 2 * time.Second

// Follow has each scrape look how things are.
func (m *Metrics) Follow(look func(context.Context) State) {
	m.registry.MustRegister(states(look))
}

// states is a prometheus.Collector.
type states func(context.Context) State

var (
	streamsOpen  = describe("streams_open", "Streams that are open at this server.")
	linkKeys     = describe("link_keys", "Keys of links in force.")
	certExpiry   = describe("certificate_expiry_timestamp_seconds", "When the server's certificate expires, and the last CA of its callers.", "of")
	connections  = describe("database_connections", "Connections to the database.", "state")
	waits        = describe("database_connection_waits_total", "How often somebody waited for a connection.")
	waited       = describe("database_connection_wait_seconds_total", "How long they did in all.")
	databaseUp   = describe("database_up", "Whether the database answered this scrape.")
	schema       = describe("schema_version", "The schema's version that this binary needs, and the database has.", "of")
	queued       = describe("mail_queue_mails", "Mails in the queue of all servers, by the state of their jobs.", "state")
	oldest       = describe("mail_queue_oldest_seconds", "How long the mail has waited that should have gone out first.")
	restedFor    = describe("mail_rest_seconds", "How long the mail queue has rested because SendGrid refuses every mail; 0 if it does not.")
	pauses       = describe("mail_pauses", "Whose mails operations has wait: how many organizations, or everybody's as one.")
	descriptions = []*prometheus.Desc{
		streamsOpen, linkKeys, certExpiry, connections, waits, waited, databaseUp, schema, queued, oldest, restedFor, pauses,
	}
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("invitation_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (states) Describe(to chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (look states) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	s := look(ctx)
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	total := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value)
	}
	gauge(streamsOpen, float64(s.Streams))
	gauge(linkKeys, float64(s.Keys))
	if !s.Certificate.IsZero() {
		gauge(certExpiry, float64(s.Certificate.Unix()), "server")
		gauge(certExpiry, float64(s.CallersCA.Unix()), "callers_ca")
	}
	gauge(connections, float64(s.Connections.InUse), "in_use")
	gauge(connections, float64(s.Connections.Idle), "idle")
	gauge(connections, float64(s.Connections.Most), "most")
	total(waits, float64(s.Connections.Waits))
	total(waited, s.Connections.Waited.Seconds())
	if s.Database == nil {
		gauge(databaseUp, 0)
		return
	}
	gauge(databaseUp, 1)
	gauge(schema, float64(s.Database.Needed), "binary")
	gauge(schema, float64(s.Database.SchemaVersion), "database")
	for state, n := range s.Database.Queued {
		gauge(queued, float64(n), state)
	}
	gauge(oldest, s.Database.Oldest.Seconds())
	gauge(restedFor, s.Database.Rested.Seconds())
	gauge(pauses, float64(s.Database.Pauses))
}
