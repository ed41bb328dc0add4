package sendgrid

import (
	"strings"
	"unicode"

	"github.com/sendgrid/rest"
	sendgridgo "github.com/sendgrid/sendgrid-go"
	"github.com/sendgrid/sendgrid-go/helpers/mail"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const (
	endpoint = "/v3/mail/send"
	category = "invitation"

	// The custom arguments, which come back in every event of the webhook.
	// SendGrid keeps them for long and doesn't treat them as personal data:
	// ids only.
	argDelivery   = "delivery_id"
	argInvitation = "invitation_id"
)

type sender struct{ address, name, replyTo string }

// request is a fresh one for every mail. sendgrid-go's own Client keeps the
// body of the mail in itself while it sends it, so that two goroutines that
// share one can send one person's link to the other.
func (c *Client) request(key string, m invitation.Message) rest.Request {
	r := sendgridgo.GetRequest(key, endpoint, c.baseURL)
	r.Method = rest.Post
	r.Body = mail.GetRequestBody(c.compose(m))
	return r
}

func (c *Client) compose(m invitation.Message) *mail.SGMailV3 {
	to := mail.NewPersonalization()
	to.AddTos(mail.NewEmail(plainName(m.ToName), m.To.Mailbox()))

	v3 := mail.NewV3Mail()
	v3.SetFrom(mail.NewEmail(c.from.name, c.from.address))
	if m.ReplyTo.Known() {
		v3.SetReplyTo(mail.NewEmail("", m.ReplyTo.Mailbox()))
	} else if c.from.replyTo != "" {
		v3.SetReplyTo(mail.NewEmail("", c.from.replyTo))
	}
	v3.Subject = m.Subject
	v3.AddPersonalizations(to)
	// In this order: SendGrid refuses HTML before text.
	if m.Text != "" {
		v3.AddContent(mail.NewContent("text/plain", m.Text))
	}
	if m.HTML != "" {
		v3.AddContent(mail.NewContent("text/html", m.HTML))
	}
	v3.SetCustomArg(argDelivery, m.DeliveryID.String())
	v3.SetCustomArg(argInvitation, m.InvitationID.String())
	v3.AddCategories(category)
	v3.SetMailSettings(c.settings(m))
	v3.SetTrackingSettings(noTracking())
	v3.Headers = headers(m)
	return v3
}

func (c *Client) settings(m invitation.Message) *mail.MailSettings {
	settings := mail.NewMailSettings().SetSandboxMode(mail.NewSetting(c.sandbox))
	if m.DespiteBounce {
		settings.BypassBounceManagement = mail.NewSetting(true)
	}
	if c.unsubscribed {
		settings.BypassUnsubscribeManagement = mail.NewSetting(true)
	}
	return settings
}

// headers keep absence notes and other robots from answering (RFC 3834; the
// second is Exchange's, and leaves us the reports of delivery), and Gmail from
// folding a renewed mail under the one whose link is dead.
func headers(m invitation.Message) map[string]string {
	return map[string]string{
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "OOF, AutoReply",
		"X-Entity-Ref-ID":          m.DeliveryID.String(),
	}
}

// noTracking switches off, by name, all that the account may have on by
// default. Click tracking would lead every activation link through a SendGrid
// host, which then knows the link and breaks what opens the app.
func noTracking() *mail.TrackingSettings {
	return mail.NewTrackingSettings().
		SetClickTracking(mail.NewClickTrackingSetting().SetEnable(false).SetEnableText(false)).
		SetOpenTracking(mail.NewOpenTrackingSetting().SetEnable(false)).
		SetSubscriptionTracking(mail.NewSubscriptionTrackingSetting().SetEnable(false)).
		SetGoogleAnalytics(mail.NewGaSetting().SetEnable(false))
}

// plainName takes out of a recipient's name what has a meaning in a list of
// addresses. SendGrid used to read "Doe, Jane" as two recipients and mailed
// to the wrong one (sendgrid-python#291); whether it still does is not
// documented, and nobody misses the comma.
func plainName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`,;:<>@"\`, r) {
			return ' '
		}
		return r
	}, name)
	return strings.Join(strings.Fields(clean), " ")
}
