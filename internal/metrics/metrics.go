package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Buckets of durations in seconds: of calls and groups, and of mails, which may
// take days.
var (
	quick = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	slow  = []float64{.5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600}
)

// Metrics counts what happens. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	calls       *prometheus.CounterVec
	callSeconds *prometheus.HistogramVec
	groupCalls  *prometheus.HistogramVec
	groupTime   *prometheus.HistogramVec
	retries     *prometheus.CounterVec
	putOffs     *prometheus.CounterVec
	events      *prometheus.CounterVec
	mailSeconds *prometheus.HistogramVec
	sent        *prometheus.CounterVec
	sentSeconds prometheus.Histogram
	posts       *prometheus.CounterVec
	reports     *prometheus.CounterVec
	reportLag   prometheus.Histogram
}

// New returns Metrics of this release.
func New(version, commit string) *Metrics {
	m := &Metrics{
		registry:    prometheus.NewRegistry(),
		calls:       counter("calls_total", "Calls by method, gRPC code and reason.", "method", "code", "reason"),
		callSeconds: histogram("call_duration_seconds", "How long calls took; streams are left out.", quick, "method"),
		groupCalls: histogram("group_calls", "How many calls shared a transaction or a round trip.",
			[]float64{1, 2, 4, 8, 16, 32, 64, 128}, "kind"),
		groupTime:   histogram("group_duration_seconds", "How long groups took, retries included.", quick, "kind"),
		retries:     counter("group_retries_total", "Groups that were carried out once more.", "kind"),
		putOffs:     counter("group_put_offs_total", "Calls that waited for what others held.", "kind"),
		events:      counter("events_total", "Events of the audit trail, and the state of the mail if they are about one.", "type", "delivery_state"),
		mailSeconds: histogram("mail_duration_seconds", "From the queueing of a mail until it came into a state.", slow, "state"),
		sent:        counter("provider_requests_total", "Mails handed to SendGrid, by what became of them.", "outcome"),
		sentSeconds: single("provider_request_duration_seconds", "How long SendGrid took to answer.", quick),
		posts:       counter("webhook_posts_total", "SendGrid's posts by the answer's status and, if refused, the cause.", "status", "cause"),
		reports:     counter("webhook_reports_total", "SendGrid's reports, by whether they are about a mail of ours.", "about"),
		reportLag:   single("webhook_lag_seconds", "From the oldest event of a post until it was taken in.", slow),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "invitation_build_info", Help: "What this binary is; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(
		m.calls, m.callSeconds, m.groupCalls, m.groupTime, m.retries, m.putOffs, m.events, m.mailSeconds,
		m.sent, m.sentSeconds, m.posts, m.reports, m.reportLag, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "invitation_" + name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "invitation_" + name, Help: help, Buckets: buckets}, labels)
}

func single(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "invitation_" + name, Help: help, Buckets: buckets})
}

// Call counts a call that has ended. A reason is empty if it went well; a method
// is one of the API's, or "unknown".
func (m *Metrics) Call(method, code, reason string, stream bool, took time.Duration) {
	m.calls.WithLabelValues(method, code, reason).Inc()
	if !stream {
		m.callSeconds.WithLabelValues(method).Observe(took.Seconds())
	}
}

// Group counts a group of calls: how many, in how many attempts, and how many of
// them had to wait for what others held.
func (m *Metrics) Group(kind string, calls, attempts, putOff int, took time.Duration) {
	m.groupCalls.WithLabelValues(kind).Observe(float64(calls))
	m.groupTime.WithLabelValues(kind).Observe(took.Seconds())
	m.retries.WithLabelValues(kind).Add(float64(attempts - 1))
	m.putOffs.WithLabelValues(kind).Add(float64(putOff))
}

// Event counts an event of the trail. State is that of a mail, which was queued so
// long ago, and empty if the event is about none.
func (m *Metrics) Event(eventType, state string, since time.Duration) {
	m.events.WithLabelValues(eventType, state).Inc()
	if state != "" {
		m.mailSeconds.WithLabelValues(state).Observe(since.Seconds())
	}
}

// Sent counts a mail that was handed to the provider.
func (m *Metrics) Sent(outcome string, took time.Duration) {
	m.sent.WithLabelValues(outcome).Inc()
	m.sentSeconds.Observe(took.Seconds())
}

// Post counts a post of the provider's. Lag is zero if it had no event.
func (m *Metrics) Post(status, cause string, known, unknown int, lag time.Duration) {
	m.posts.WithLabelValues(status, cause).Inc()
	m.reports.WithLabelValues("ours").Add(float64(known))
	m.reports.WithLabelValues("stranger").Add(float64(unknown))
	if lag > 0 {
		m.reportLag.Observe(lag.Seconds())
	}
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
