package sendgridtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
	"unicode/utf8"
)

// serveSend is POST /v3/mail/send. Its order is SendGrid's as far as that can
// be seen from outside: who are you, what is this, is it valid, may you.
func (e *Emulator) serveSend(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.requests++
	e.mu.Unlock()
	fault := e.nextFault()
	if fault == Reset {
		reset(w)
	}
	w = e.slowly(w, r)
	e.authorized(func(w http.ResponseWriter, r *http.Request) {
		if request, ok := e.readRequest(w, r); ok && !e.refuseAccount(w, request) && !e.answerAll(w) {
			e.takeMail(w, r, request, fault)
		}
	})(w, r)
}

func (e *Emulator) takeMail(w http.ResponseWriter, r *http.Request, request *mailRequest, fault Fault) {
	messages := request.messages(newID(), e.now())
	if fault == None {
		fault = e.chosenFault(messages[0])
	}
	if fault == Reset {
		reset(w)
	}
	if e.answerFault(w, fault) {
		return
	}
	if request.MailSettings.SandboxMode.on() {
		w.WriteHeader(http.StatusOK)
		return
	}
	e.sendEvents(messages, e.keepAll(messages))
	e.loseAnswer(w, r, fault)
	w.Header().Set("X-Message-Id", messages[0].ID)
	w.WriteHeader(http.StatusAccepted)
}

// readRequest answers itself when there is no valid request.
func (e *Emulator) readRequest(w http.ResponseWriter, r *http.Request) (*mailRequest, bool) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		writeErrors(w, http.StatusUnsupportedMediaType, "Content-Type should be application/json.")
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		writeErrors(w, http.StatusRequestEntityTooLarge, "The JSON payload you have included in your request is too large.")
		return nil, false
	}
	if err != nil {
		writeErrors(w, http.StatusBadRequest, "Bad Request")
		return nil, false
	}
	request, problems := parse(body, e.now())
	if len(problems) > 0 {
		writeJSON(w, http.StatusBadRequest, map[string]any{"errors": problems})
		return nil, false
	}
	return request, true
}

func parse(body []byte, now time.Time) (*mailRequest, []problem) {
	if !utf8.Valid(body) {
		return nil, []problem{{Message: "Invalid UTF8 in request."}}
	}
	whole, err := document(body)
	if err != nil {
		return nil, []problem{{Message: "Bad Request"}}
	}
	found := report{now: now}
	if mailSend.check(&found, "", whole); len(found.problems) > 0 {
		return nil, found.problems
	}
	var request mailRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, []problem{{Message: "Bad Request"}}
	}
	return &request, nil
}

// newID has the look of an X-Message-Id: 16 bytes in URL-safe base64.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func refuse(status int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeErrors(w, status, message) }
}

func writeErrors(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"errors": []problem{{Message: message}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
