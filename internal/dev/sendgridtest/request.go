package sendgridtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// mailRequest is the body of POST /v3/mail/send, as far as it matters here.
type mailRequest struct {
	Personalizations []envelope                 `json:"personalizations"`
	From             *box                       `json:"from"`
	ReplyTo          *box                       `json:"reply_to"`
	Subject          string                     `json:"subject"`
	Content          []content                  `json:"content"`
	TemplateID       string                     `json:"template_id"`
	Categories       []string                   `json:"categories"`
	CustomArgs       map[string]json.RawMessage `json:"custom_args"`
	MailSettings     struct {
		SandboxMode       toggled `json:"sandbox_mode"`
		BypassAll         toggled `json:"bypass_list_management"`
		BypassBounces     toggled `json:"bypass_bounce_management"`
		BypassSpam        toggled `json:"bypass_spam_management"`
		BypassUnsubscribe toggled `json:"bypass_unsubscribe_management"`
	} `json:"mail_settings"`
	TrackingSettings struct {
		Click struct {
			toggled
			EnableText *bool `json:"enable_text"`
		} `json:"click_tracking"`
		Open         toggled `json:"open_tracking"`
		Subscription toggled `json:"subscription_tracking"`
		Analytics    toggled `json:"ganalytics"`
	} `json:"tracking_settings"`
}

type envelope struct {
	From       *box                       `json:"from"`
	To         []box                      `json:"to"`
	CC         []box                      `json:"cc"`
	BCC        []box                      `json:"bcc"`
	Subject    string                     `json:"subject"`
	CustomArgs map[string]json.RawMessage `json:"custom_args"`
}

type box struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

type content struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type toggled struct {
	Enable *bool `json:"enable"`
}

func (t toggled) on() bool     { return t.Enable != nil && *t.Enable }
func notOff(enable *bool) bool { return enable == nil || *enable }

// messages are the mails that a valid request makes: one for every recipient.
func (r *mailRequest) messages(id string, now time.Time) []Message {
	var all []Message
	for _, p := range r.Personalizations {
		for _, list := range [][]box{p.To, p.CC, p.BCC} {
			for _, recipient := range list {
				m := r.message(p, recipient, now)
				m.ID = id
				if n := len(all) + 1; n > 1 {
					m.ID += "-" + strconv.Itoa(n)
				}
				all = append(all, m)
			}
		}
	}
	return all
}

func (r *mailRequest) message(p envelope, recipient box, now time.Time) Message {
	m := Message{
		ReceivedAt: now.UTC(),
		To:         recipient.Email,
		ToName:     recipient.Name,
		Subject:    r.Subject,
		CustomArgs: mergedArgs(r.CustomArgs, p.CustomArgs),
		Categories: r.Categories,
		Tracking: Tracking{
			Click:        notOff(r.TrackingSettings.Click.Enable),
			ClickText:    notOff(r.TrackingSettings.Click.EnableText),
			Open:         notOff(r.TrackingSettings.Open.Enable),
			Subscription: notOff(r.TrackingSettings.Subscription.Enable),
			Analytics:    notOff(r.TrackingSettings.Analytics.Enable),
		},
	}
	if p.Subject != "" {
		m.Subject = p.Subject
	}
	from := r.From
	if p.From != nil {
		from = p.From
	}
	m.From, m.FromName = from.Email, from.Name
	m.Bypass = r.bypass()
	if r.ReplyTo != nil {
		m.ReplyTo = r.ReplyTo.Email
	}
	for _, c := range r.Content {
		switch c.Type {
		case "text/plain":
			m.Text = c.Value
		case "text/html":
			m.HTML = c.Value
		}
	}
	return m
}

// bypass are the suppression lists that are not to be looked at.
func (r *mailRequest) bypass() []List {
	var lists []List
	for list, on := range map[List]bool{
		Bounces: r.MailSettings.BypassBounces.on(), SpamReports: r.MailSettings.BypassSpam.on(),
		Unsubscribes: r.MailSettings.BypassUnsubscribe.on(),
	} {
		if on || r.MailSettings.BypassAll.on() {
			lists = append(lists, list)
		}
	}
	slices.Sort(lists)
	return lists
}

// mergedArgs puts the personalization's over the request's. Values that are
// no strings are left out; validate refuses them.
func mergedArgs(global, personal map[string]json.RawMessage) map[string]string {
	raw := maps.Clone(global)
	if raw == nil {
		raw = map[string]json.RawMessage{}
	}
	maps.Copy(raw, personal)
	args := make(map[string]string, len(raw))
	for name, value := range raw {
		var text string
		if json.Unmarshal(value, &text) == nil {
			args[name] = text
		}
	}
	return args
}
