package main

import "fmt"

// goal is something that the service must reach. Exactly one of the bounds is
// set.
type goal struct {
	text            string
	atLeast, atMost float64
	unit            string
	// measured returns 0 if it was not.
	measured func(b *book) float64
}

// verdict is a goal and what came of it.
type verdict struct {
	Goal     string  `json:"goal"`
	Measured float64 `json:"measured"`
	Unit     string  `json:"unit"`
	Reached  bool    `json:"reached"`
}

// goals are those of the product: rates against pgbench's one statement with as
// many clients.
func goals() []goal {
	var all []goal
	for _, c := range []string{"send", "redeem", "create"} {
		all = append(all, rateGoal(c, 64, 1.2), rateGoal(c, 256, 2))
	}
	return append(all,
		rateGoal("preview", 64, 0.5),
		goal{
			text: "BatchSend of 500, in invitations, ÷ pgbench's Send with 64 clients", atLeast: 2.5, unit: "×",
			measured: batchRatio,
		},
		goal{
			text: "Send, 1 caller, p50 ÷ pgbench's", atMost: 1.6, unit: "×",
			measured: func(b *book) float64 { return b.ratio("send", 1, p50) },
		},
		goal{
			text: "memory of the service with 256 callers", atMost: 80, unit: "MiB",
			measured: func(b *book) float64 { return float64(b.resident(256)) / (1 << 20) },
		},
		goal{
			text: "delivery", atLeast: 1500, unit: "mails/s",
			measured: func(b *book) float64 { return b.rate(deliveryCase, 0) },
		})
}

func rateGoal(name string, callers int, atLeast float64) goal {
	c, _ := caseNamed(name)
	return goal{
		text: fmt.Sprintf("%s, %d callers, rate ÷ pgbench's", c.title, callers), atLeast: atLeast, unit: "×",
		measured: func(b *book) float64 { return b.ratio(name, callers, rate) },
	}
}

// judge leaves out what was not measured.
func judge(b *book) []verdict {
	var all []verdict
	for _, g := range goals() {
		measured := g.measured(b)
		if measured == 0 {
			continue
		}
		v := verdict{Measured: measured, Unit: g.unit}
		if g.atMost > 0 {
			v.Goal, v.Reached = fmt.Sprintf("%s: at most %v %s", g.text, g.atMost, g.unit), measured <= g.atMost
		} else {
			v.Goal, v.Reached = fmt.Sprintf("%s: at least %v %s", g.text, g.atLeast, g.unit), measured >= g.atLeast
		}
		all = append(all, v)
	}
	return all
}

// ratio is the service's figure over pgbench's with as many callers.
func (b *book) ratio(name string, callers int, figure func(sample) float64) float64 {
	r := b.find(name, callers)
	if r == nil {
		return 0
	}
	return medianRatio(r.Service, r.Pgbench, figure)
}

func (b *book) rate(name string, callers int) float64 {
	if r := b.find(name, callers); r != nil {
		return medianOf(r.Service, rate)
	}
	return 0
}

// batchRatio is that of the number of callers that does best: all of them ask
// for more at once than the service takes into one transaction.
func batchRatio(b *book) float64 {
	single := b.find("send", 64)
	if single == nil {
		return 0
	}
	best := 0.0
	for _, r := range b.rows {
		if r.Case == "batch" {
			best = max(best, medianRatio(r.Service, single.Pgbench, rate))
		}
	}
	return best
}

// resident is the most memory seen in any case with so many callers.
func (b *book) resident(callers int) int64 {
	var most int64
	for _, r := range b.rows {
		if r.Callers != callers {
			continue
		}
		for _, m := range r.Service {
			most = max(most, m.Resident)
		}
	}
	return most
}
