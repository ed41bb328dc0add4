package sendgridtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// controlPolicy is pagePolicy with forms that go back to this server.
var controlPolicy = strings.Replace(pagePolicy, "form-action 'none'", "form-action 'self'", 1)

// listed is a list with what is on it, for the page.
type listed struct {
	List    List
	Entries []Suppression
}

func (e *Emulator) pageControl(w http.ResponseWriter, _ *http.Request) {
	e.showControl(w, http.StatusOK, "")
}

func (e *Emulator) showControl(w http.ResponseWriter, status int, complaint string) {
	var lists []listed
	for _, list := range allLists {
		if all := e.Suppressed(list); len(all) > 0 {
			lists = append(lists, listed{list, all})
		}
	}
	f := e.Faults()
	now, _ := json.MarshalIndent(f, "", "  ")
	pageHeaders(w, controlPolicy)
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, "control.html", map[string]any{
		"Complaint": complaint, "Faults": f, "Now": string(now), "Kinds": faultKinds,
		"Account": e.Account(), "Statuses": statuses, "Lists": lists, "Fates": fates, "Requests": e.Requests(),
	})
}

// formFaults sets all faults anew, as PUT /api/faults does.
func (e *Emulator) formFaults(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSetting)
	n := numbers{form: r.PostFormValue}
	f := Faults{
		PerWindow: n.read("per_window"), WindowSeconds: n.read("window_seconds"), DelayMS: n.read("delay_ms"),
		Webhook: WebhookFaults{Duplicates: n.read("duplicates"), Disorder: r.PostFormValue("disorder") != ""},
	}
	times, status := n.read("times"), n.read("status")
	switch fault := Fault(r.PostFormValue("fault")); {
	case status > 0:
		f.Always = &Answer{Status: status, Body: r.PostFormValue("body"), ContentType: r.PostFormValue("content_type"), Times: times}
	case fault != "" && times > 0:
		f.Next = slices.Repeat([]Fault{fault}, min(times, 10_000))
	case fault != "":
		f.Rates = map[Fault]float64{fault: 1}
	}
	if n.err == nil {
		n.err = f.check()
	}
	if n.err != nil {
		e.showControl(w, http.StatusBadRequest, n.err.Error())
		return
	}
	e.SetFaults(f)
	http.Redirect(w, r, "/control", http.StatusSeeOther)
}

// numbers reads fields of a form; an empty one is zero.
type numbers struct {
	form func(string) string
	err  error
}

func (n *numbers) read(name string) int {
	text := strings.TrimSpace(n.form(name))
	if text == "" {
		return 0
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 {
		n.err = fmt.Errorf("%s is no number", name)
	}
	return i
}

func (e *Emulator) formAccount(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSetting)
	a := Account{
		Keys: strings.Fields(r.PostFormValue("keys")), Senders: strings.Fields(r.PostFormValue("senders")),
		Status: Status(r.PostFormValue("status")),
	}
	if err := a.check(); err != nil {
		e.showControl(w, http.StatusBadRequest, err.Error())
		return
	}
	e.SetAccount(a)
	http.Redirect(w, r, "/control", http.StatusSeeOther)
}

func (e *Emulator) formRelease(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSetting)
	e.Release(List(r.PostFormValue("list")), r.PostFormValue("email"))
	http.Redirect(w, r, "/control", http.StatusSeeOther)
}
