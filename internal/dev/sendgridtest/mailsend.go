package sendgridtest

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// SendGrid's limits.
const (
	maxBody          = 30 << 20 // bytes
	maxRecipients    = 1000     // in all personalizations together
	maxCustomArgs    = 10_000   // bytes, names and values together
	maxSubstitutions = 10_000   // in number, and in bytes
	maxCategory      = 255      // characters
	maxSchedule      = 72 * time.Hour
)

const lineBreaks = "\r\n"

// mailSend is the body of POST /v3/mail/send: SendGrid's OpenAPI description
// (github.com/twilio/sendgrid-oai, tsg_mail_v3) and its page of errors, whose
// sentences these are where it has one. The description takes any field that it
// does not know; here one that nobody reads is taken for the mistake that it is.
var mailSend = record(fields{
	"personalizations": needed(list(personalization,
		most(1000, "The personalization block is limited to 1000 personalizations per API request. You have provided %v personalizations. Please consider splitting this into multiple requests and resending your request."))),
	"from":     needed(sender),
	"reply_to": mailbox("The reply_to email does not contain a valid address."),
	"reply_to_list": list(mailbox(invalidAddress),
		most(1000, "There is a limit of 1000 addresses in reply_to_list. You provided %v."), distinctAddresses),
	"subject":     subject,
	"content":     list(contentBlock, contentOrder),
	"attachments": list(attachment),
	"template_id": text(one("Must be a valid template.")),
	"sections":    dictionary(stringValues("The section values must be strings.")),
	"headers":     headers,
	"categories": list(text(), most(10, "There is a limit of 10 categories for each email that is sent. You provided %v categories."),
		categories),
	"custom_args": customArgs,
	"send_at":     sendAt,
	"batch_id":    text(one("The batch_id must be a string at least one character in length.")),
	"asm": record(fields{
		"group_id":          needed(integer()),
		"groups_to_display": list(integer(), most(25, "There is a limit of 25 unsubscribe groups that can be displayed to a user at a time.")),
	}),
	"ip_pool_name": text(must(func(s string) bool { return len(s) >= 2 && len(s) <= 64 },
		"The IP Pool name must be a valid pool name for your account. You provided %v.")),
	"mail_settings":     mailSettings,
	"tracking_settings": trackingSettings,
}, oneReplyTo, recipients, mergedCustomArgs, subjects, contents)

var personalization = record(fields{
	"from":                  sender,
	"to":                    needed(list(mailbox(invalidAddress), someRecipient)),
	"cc":                    list(mailbox(invalidAddress)),
	"bcc":                   list(mailbox(invalidAddress)),
	"subject":               subject,
	"headers":               headers,
	"substitutions":         dictionary(stringValues("The substitution values must be an object of key/value pairs, where the values are all strings."), substitutions),
	"dynamic_template_data": dictionary(),
	"custom_args":           customArgs,
	"send_at":               sendAt,
}, distinctRecipients)

const invalidAddress = "Does not contain a valid address."

func mailbox(invalid string) shape {
	return record(fields{
		"email": needed(text(must(validAddress, invalid))),
		"name":  name,
	})
}

var sender = record(fields{
	"email": needed(text(
		one(`The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.`),
		must(func(s string) bool { return s == "" || validAddress(s) }, "The from email does not contain a valid address."))),
	"name": name,
})

// name has a line break refused as the subject has: both become headers.
var name = text(without(lineBreaks, "The name cannot contain CRLF characters."))

var subject = text(
	one("The subject of your email must be a string at least one character in length."),
	without(lineBreaks, "The subject cannot contain CRLF characters."))

var contentBlock = record(fields{
	"type": needed(text(
		one("A content type is required, this tells email clients how to display the email."),
		without(";,"+lineBreaks, "Cannot contain ';', or CRLF characters."))),
	"value": needed(text(one("The content value must be a string at least one character in length."))),
})

var attachment = record(fields{
	"content": needed(text(
		one("The attachment content must be a string at least one character in length."),
		must(isBase64, "The attachment content must be base64 encoded."))),
	"type": text(
		one("The attachment type must be a string and at least one character in length."),
		without(";,"+lineBreaks, "The type cannot contain ';', or CRLF characters.")),
	"filename": needed(text(
		one("filename is required."),
		without(";,"+lineBreaks, "The filename of your attachment cannot contain CRLF characters."))),
	"disposition": text(must(func(s string) bool { return s == "inline" || s == "attachment" },
		`The disposition of your attachment can be either "inline" or "attachment". You provided %v.`)),
	"content_id": text(without(";,"+lineBreaks, "The content ID of your attachment cannot contain CRLF characters.")),
})

// headers, from message.headers; custom arguments, from message.custom_args.
var (
	headers    = dictionary(stringValues("The header values must be strings."), headerNames, headerValues)
	customArgs = dictionary(must(func(o object) bool { return len(o.names) > 0 }, "custom_args cannot be empty."),
		stringValues("All values of custom arguments object must be strings"))
)

var sendAt = integer(soon)

var toggle = record(fields{"enable": flag()})

var mailSettings = record(fields{
	"bypass_list_management":        toggle,
	"bypass_spam_management":        toggle,
	"bypass_bounce_management":      toggle,
	"bypass_unsubscribe_management": toggle,
	"sandbox_mode":                  toggle,
	"footer":                        record(fields{"enable": flag(), "text": text(), "html": text()}),
	"bcc": record(fields{"enable": flag(),
		"email": text(must(validAddress, invalidAddress))}),
	"spam_check": record(fields{"enable": flag(),
		"threshold": integer(between(1, 10, "The spam check threshold is between 1 and 10, with the lower numbers being the most strict filtering.")),
		"post_to_url": text(must(func(s string) bool { return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") },
			"The `post_to_url` parameter must start with `http://` or `https://`."))}),
}, oneBypass)

var trackingSettings = record(fields{
	"click_tracking":        record(fields{"enable": flag(), "enable_text": flag()}),
	"open_tracking":         record(fields{"enable": flag(), "substitution_tag": text()}),
	"subscription_tracking": record(fields{"enable": flag(), "text": text(), "html": text(), "substitution_tag": text()}),
	"ganalytics": record(fields{"enable": flag(), "utm_source": text(), "utm_medium": text(), "utm_term": text(),
		"utm_content": text(), "utm_campaign": text()}),
})

// reserved are the headers that SendGrid writes itself.
var reserved = []string{
	"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
	"to", "from", "subject", "reply-to", "cc", "bcc",
}

func isReserved(header string) bool { return slices.Contains(reserved, strings.ToLower(header)) }

func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil
}
