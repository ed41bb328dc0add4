package sendgridtest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// maxFaults bounds the body of PUT /api/faults, in bytes.
const maxFaults = 1 << 20

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
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxFaults))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		writeErrors(w, http.StatusBadRequest, err.Error())
		return
	}
	if err := f.check(); err != nil {
		writeErrors(w, http.StatusBadRequest, err.Error())
		return
	}
	e.SetFaults(f)
	writeJSON(w, http.StatusOK, e.Faults())
}

func (e *Emulator) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	e.SetFaults(Faults{})
	w.WriteHeader(http.StatusNoContent)
}

func withID(id string) func(Message) bool {
	return func(m Message) bool { return m.ID == id }
}
