package sendgridtest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// maxSetting bounds the body of a PUT, in bytes.
const maxSetting = 1 << 20

func (e *Emulator) listMessages(w http.ResponseWriter, r *http.Request) {
	all := e.Messages()
	if address := r.URL.Query().Get("to"); address != "" {
		wanted := to(address)
		all = slices.DeleteFunc(all, func(m Message) bool { return !wanted(m) })
	}
	slices.Reverse(all)
	writeJSON(w, http.StatusOK, all)
}

func (e *Emulator) getMessage(w http.ResponseWriter, r *http.Request) {
	m, ok := e.Find(withID(r.PathValue("id")))
	if !ok {
		writeErrors(w, http.StatusNotFound, "not found")
		return
	}
	writeJSON(w, http.StatusOK, m)
}

func (e *Emulator) deleteMessages(w http.ResponseWriter, _ *http.Request) {
	e.Clear()
	w.WriteHeader(http.StatusNoContent)
}

func (e *Emulator) getFaults(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, e.Faults())
}

func (e *Emulator) putFaults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	if put(w, r, &f) {
		e.SetFaults(f)
		writeJSON(w, http.StatusOK, e.Faults())
	}
}

func (e *Emulator) getAccount(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, e.Account())
}

func (e *Emulator) putAccount(w http.ResponseWriter, r *http.Request) {
	var a Account
	if put(w, r, &a) {
		e.SetAccount(a)
		writeJSON(w, http.StatusOK, e.Account())
	}
}

// put reads the body into a value and checks it, or answers what is wrong.
func put(w http.ResponseWriter, r *http.Request, into interface{ check() error }) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSetting))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		err = into.check()
	}
	if err != nil {
		writeErrors(w, http.StatusBadRequest, err.Error())
	}
	return err == nil
}

func (e *Emulator) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	e.SetFaults(Faults{})
	w.WriteHeader(http.StatusNoContent)
}

func withID(id string) func(Message) bool {
	return func(m Message) bool { return m.ID == id }
}
