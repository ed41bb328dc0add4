package sendgridtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// The lists' API, as SendGrid's (tsg_suppressions_v3): what a person does to
// have an address mailed again.

func (e *Emulator) suppressionRoutes(mux *http.ServeMux) {
	for _, list := range allLists {
		at := "/v3/suppression/" + string(list)
		mux.HandleFunc("GET "+at, e.authorized(e.getSuppressions(list)))
		if list == Unsubscribes {
			continue // looked at there, changed below
		}
		mux.HandleFunc("DELETE "+at, e.authorized(e.deleteSuppressions(list)))
		mux.HandleFunc("GET "+at+"/{email}", e.authorized(e.getSuppression(list)))
		mux.HandleFunc("DELETE "+at+"/{email}", e.authorized(e.deleteSuppression(list)))
	}
	const global = "/v3/asm/suppressions/global"
	mux.HandleFunc("POST "+global, e.authorized(e.postGlobal))
	mux.HandleFunc("GET "+global+"/{email}", e.authorized(e.getGlobal))
	mux.HandleFunc("DELETE "+global+"/{email}", e.authorized(e.deleteSuppression(Unsubscribes)))
}

func (e *Emulator) getSuppressions(list List) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		number := func(name string, otherwise int64) int64 {
			n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64)
			if err != nil || n < 0 {
				return otherwise
			}
			return n
		}
		from, until := number("start_time", 0), number("end_time", 1<<62)
		all := slices.DeleteFunc(e.Suppressed(list), func(s Suppression) bool { return s.Created < from || s.Created > until })
		count := int64(len(all))
		begin := min(number("offset", 0), count)
		writeJSON(w, http.StatusOK, all[begin:min(begin+min(number("limit", 500), 500), count)])
	}
}

func (e *Emulator) getSuppression(list List) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, e.entry(list, r.PathValue("email")))
	}
}

// entry is the address on the list, or nothing.
func (e *Emulator) entry(list List, address string) []Suppression {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, on := e.lists.find(list, address); on {
		return []Suppression{s}
	}
	return []Suppression{}
}

func (e *Emulator) deleteSuppression(list List) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !e.Release(list, r.PathValue("email")) {
			writeErrors(w, http.StatusNotFound, "not found")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (e *Emulator) deleteSuppressions(list List) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var which struct {
			DeleteAll bool     `json:"delete_all"`
			Emails    []string `json:"emails"`
		}
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSetting)).Decode(&which)
		if err != nil || which.DeleteAll == (len(which.Emails) > 0) {
			writeErrors(w, http.StatusBadRequest, "either delete_all or emails is required")
			return
		}
		if which.DeleteAll {
			for _, s := range e.Suppressed(list) {
				which.Emails = append(which.Emails, s.Email)
			}
		}
		for _, address := range which.Emails {
			e.Release(list, address)
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

type globalSuppressions struct {
	Emails []string `json:"recipient_emails"`
}

func (e *Emulator) postGlobal(w http.ResponseWriter, r *http.Request) {
	var who globalSuppressions
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSetting)).Decode(&who)
	if err != nil || len(who.Emails) == 0 {
		writeErrors(w, http.StatusBadRequest, "recipient_emails is required")
		return
	}
	for _, address := range who.Emails {
		e.Suppress(Unsubscribes, address)
	}
	writeJSON(w, http.StatusCreated, who)
}

func (e *Emulator) getGlobal(w http.ResponseWriter, r *http.Request) {
	answer := map[string]string{}
	for _, s := range e.entry(Unsubscribes, r.PathValue("email")) {
		answer["recipient_email"] = s.Email
	}
	writeJSON(w, http.StatusOK, answer)
}
