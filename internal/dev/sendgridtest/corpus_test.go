package sendgridtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// refused are bodies that SendGrid's description or its page of errors refuses,
// field by field: what is merged into a good mail (RFC 7396), and the fields of
// the errors.
var refused = []struct{ patch, fields string }{
	{`{"personalizations": null}`, "personalizations"},
	{`{"personalizations": {}}`, "personalizations"},
	{`{"personalizations": ["a@mail.example"]}`, "personalizations.0"},
	{`{"personalizations": [{}]}`, "personalizations.0.to"},
	{`{"personalizations": [{"to": null}]}`, "personalizations.0.to"},
	{`{"personalizations": [{"to": {"email": "a@mail.example"}}]}`, "personalizations.0.to"},
	{`{"personalizations": [{"to": ["a@mail.example"]}]}`, "personalizations.0.to.0"},
	{`{"personalizations": [{"to": [{}]}]}`, "personalizations.0.to.0.email"},
	{`{"personalizations": [{"to": [{"email": ""}]}]}`, "personalizations.0.to.0.email"},
	{`{"personalizations": [{"to": [{"email": 7}]}]}`, "personalizations.0.to.0.email"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example", "name": 7}]}]}`, "personalizations.0.to.0.name"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example", "name": "A\r\nBcc: x@mail.example"}]}]}`, "personalizations.0.to.0.name"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example", "address": "a"}]}]}`, "personalizations.0.to.0.address"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}, {"email": "A@mail.example"}]}]}`, "personalizations.0"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "bcc": [{"email": "a@mail.example"}]}]}`, "personalizations.0"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "cc": [{"name": "B"}]}]}`, "personalizations.0.cc.0.email"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "bcc": "b@mail.example"}]}`, "personalizations.0.bcc"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "from": {"email": "no"}}]}`, "personalizations.0.from.email"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "subject": ""}]}`, "personalizations.0.subject"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "subject": "a\nb"}]}`, "personalizations.0.subject"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "headers": {"X-Own": true}}]}`, "personalizations.0.headers"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "headers": {"Reply-To": "b@mail.example"}}]}`, "personalizations.0.headers"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "substitutions": {"-name-": 7}}]}`, "personalizations.0.substitutions"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "substitutions": {"-name-": "%10000%"}}]}`, "personalizations.0.substitutions"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "dynamic_template_data": "a"}]}`, "personalizations.0.dynamic_template_data"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "custom_args": {}}]}`, "personalizations.0.custom_args"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "custom_args": {"a": null}}]}`, "personalizations.0.custom_args"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "custom_args": {"a": "%10000%"}}]}`, "personalizations.0.custom_args"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "send_at": 1700259201}]}`, "personalizations.0.send_at"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "send_at": "1700000000"}]}`, "personalizations.0.send_at"},
	{`{"personalizations": [{"to": [{"email": "a@mail.example"}], "priority": 1}]}`, "personalizations.0.priority"},

	{`{"from": null}`, "from.email"},
	{`{"from": {"email": null}}`, "from.email"},
	{`{"from": "no-reply@kiwi.test"}`, "from"},
	{`{"from": {"email": "KIWI <no-reply@kiwi.test>"}}`, "from.email"},
	{`{"from": {"email": "no-reply@kiwi.test", "name": ["KIWI"]}}`, "from.name"},
	{`{"from": {"email": "%65%@kiwi.test"}}`, "from.email"},
	{`{"reply_to": {"email": null}}`, "reply_to.email"},
	{`{"reply_to": {"email": "help"}}`, "reply_to.email"},
	{`{"reply_to": ["help@kiwi.test"]}`, "reply_to"},
	{`{"reply_to": {"email": "a@mail.example"}, "reply_to_list": [{"email": "b@mail.example"}]}`, "reply_to_list"},
	{`{"reply_to": null, "reply_to_list": {"email": "b@mail.example"}}`, "reply_to_list"},
	{`{"reply_to": null, "reply_to_list": [{"email": "b"}]}`, "reply_to_list.0.email"},
	{`{"reply_to": null, "reply_to_list": [{"email": "b@mail.example"}, {"email": "b@mail.example"}]}`, "reply_to_list"},

	{`{"subject": null}`, "subject"},
	{`{"subject": ""}`, "subject"},
	{`{"subject": 7}`, "subject"},
	{`{"subject": "a\r\nBcc: x@mail.example"}`, "subject"},
	{`{"content": null}`, "content"},
	{`{"content": []}`, "content"},
	{`{"content": {"type": "text/plain", "value": "a"}}`, "content"},
	{`{"content": ["a"]}`, "content.0"},
	{`{"content": [{"value": "a"}]}`, "content.0.type"},
	{`{"content": [{"type": "text/plain"}]}`, "content.0.value"},
	{`{"content": [{"type": "text/plain", "value": 7}]}`, "content.0.value"},
	{`{"content": [{"type": "", "value": "a"}]}`, "content.0.type"},
	{`{"content": [{"type": "text/plain\r\nX: y", "value": "a"}]}`, "content.0.type"},
	{`{"content": [{"type": "text/plain", "value": "a", "charset": "utf-8"}]}`, "content.0.charset"},
	{`{"content": [{"type": "text/calendar", "value": "a"}, {"type": "text/html", "value": "a"}]}`, "content"},
	{`{"content": [{"type": "text/html", "value": "a"}, {"type": "text/html", "value": "a"}]}`, "content"},

	{`{"attachments": {"content": "eA==", "filename": "a"}}`, "attachments"},
	{`{"attachments": [{"content": "eA=="}]}`, "attachments.0.filename"},
	{`{"attachments": [{"filename": "a"}]}`, "attachments.0.content"},
	{`{"attachments": [{"content": "", "filename": "a"}]}`, "attachments.0.content"},
	{`{"attachments": [{"content": "no base64", "filename": "a"}]}`, "attachments.0.content"},
	{`{"attachments": [{"content": "eA==", "filename": 7}]}`, "attachments.0.filename"},
	{`{"attachments": [{"content": "eA==", "filename": "a\r\nb"}]}`, "attachments.0.filename"},
	{`{"attachments": [{"content": "eA==", "filename": "a", "type": ""}]}`, "attachments.0.type"},
	{`{"attachments": [{"content": "eA==", "filename": "a", "type": "image/png; x=y"}]}`, "attachments.0.type"},
	{`{"attachments": [{"content": "eA==", "filename": "a", "disposition": "hidden"}]}`, "attachments.0.disposition"},
	{`{"attachments": [{"content": "eA==", "filename": "a", "content_id": 7}]}`, "attachments.0.content_id"},
	{`{"attachments": [{"content": "eA==", "filename": "a", "content_id": "a\nb"}]}`, "attachments.0.content_id"},
	{`{"attachments": [{"content": "eA==", "filename": "a", "size": 1}]}`, "attachments.0.size"},

	{`{"template_id": 7}`, "template_id"},
	{`{"template_id": ""}`, "template_id"},
	{`{"sections": {"a": 7}}`, "sections"},
	{`{"sections": "a"}`, "sections"},
	{`{"headers": ["a"]}`, "headers"},
	{`{"headers": {"X-Own": 7}}`, "headers"},
	{`{"headers": {"X-Own": {}}}`, "headers"},
	{`{"headers": {"x-sg-id": "1"}}`, "headers"},
	{`{"headers": {"X-SG-EID": "1"}}`, "headers"},
	{`{"headers": {"Received": "1"}}`, "headers"},
	{`{"headers": {"DKIM-Signature": "1"}}`, "headers"},
	{`{"headers": {"Content-Type": "text/plain"}}`, "headers"},
	{`{"headers": {"Content-Transfer-Encoding": "8bit"}}`, "headers"},
	{`{"headers": {"To": "x@mail.example"}}`, "headers"},
	{`{"headers": {"From": "x@mail.example"}}`, "headers"},
	{`{"headers": {"subject": "x"}}`, "headers"},
	{`{"headers": {"reply-to": "x@mail.example"}}`, "headers"},
	{`{"headers": {"Cc": "x@mail.example"}}`, "headers"},
	{`{"headers": {"bcc": "x@mail.example"}}`, "headers"},
	{`{"headers": {"X Own": "a"}}`, "headers"},
	{`{"headers": {"X-Ö": "a"}}`, "headers"},
	{`{"headers": {"X-Own": "a", "x-own": "b"}}`, "headers"},
	{`{"headers": {"X-Own": "a\r\nBcc: x@mail.example"}}`, "headers"},
	{`{"categories": "invitation"}`, "categories"},
	{`{"categories": [7]}`, "categories.0"},
	{`{"categories": ["ä"]}`, "categories"},
	{`{"categories": ["a", "a"]}`, "categories"},
	{`{"categories": ["%256%"]}`, "categories"},
	{`{"categories": ["1","2","3","4","5","6","7","8","9","10","11"]}`, "categories"},
	{`{"custom_args": "a"}`, "custom_args"},
	{`{"custom_args": ["a"]}`, "custom_args"},
	{`{"custom_args": {"a": 7}}`, "custom_args"},
	{`{"custom_args": {"a": "%10000%"}}`, "personalizations.0.custom_args"},
	{`{"send_at": "soon"}`, "send_at"},
	{`{"send_at": 1700000000.5}`, "send_at"},
	{`{"send_at": 1700259201}`, "send_at"},
	{`{"batch_id": 7}`, "batch_id"},
	{`{"batch_id": ""}`, "batch_id"},
	{`{"asm": {}}`, "asm.group_id"},
	{`{"asm": 7}`, "asm"},
	{`{"asm": {"group_id": "7"}}`, "asm.group_id"},
	{`{"asm": {"group_id": 7.5}}`, "asm.group_id"},
	{`{"asm": {"group_id": 7, "groups_to_display": 7}}`, "asm.groups_to_display"},
	{`{"asm": {"group_id": 7, "groups_to_display": ["7"]}}`, "asm.groups_to_display.0"},
	{`{"asm": {"group_id": 7, "groups_to_display": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26]}}`, "asm.groups_to_display"},
	{`{"ip_pool_name": "a"}`, "ip_pool_name"},
	{`{"ip_pool_name": "%65%"}`, "ip_pool_name"},
	{`{"ip_pool_name": 7}`, "ip_pool_name"},

	{`{"mail_settings": []}`, "mail_settings"},
	{`{"mail_settings": {"sandbox": {"enable": true}}}`, "mail_settings.sandbox"},
	{`{"mail_settings": {"sandbox_mode": true}}`, "mail_settings.sandbox_mode"},
	{`{"mail_settings": {"sandbox_mode": {"enable": "true"}}}`, "mail_settings.sandbox_mode.enable"},
	{`{"mail_settings": {"bypass_list_management": {"enable": 1}}}`, "mail_settings.bypass_list_management.enable"},
	{`{"mail_settings": {"bypass_spam_management": {"enable": 1}}}`, "mail_settings.bypass_spam_management.enable"},
	{`{"mail_settings": {"bypass_bounce_management": {"enable": 1}}}`, "mail_settings.bypass_bounce_management.enable"},
	{`{"mail_settings": {"bypass_unsubscribe_management": {"enable": 1}}}`, "mail_settings.bypass_unsubscribe_management.enable"},
	{`{"mail_settings": {"bypass_list_management": {"enable": true}, "bypass_bounce_management": {"enable": true}}}`, "mail_settings.bypass_list_management"},
	{`{"mail_settings": {"footer": {"enable": 1}}}`, "mail_settings.footer.enable"},
	{`{"mail_settings": {"footer": {"text": 7}}}`, "mail_settings.footer.text"},
	{`{"mail_settings": {"footer": {"html": 7}}}`, "mail_settings.footer.html"},
	{`{"mail_settings": {"bcc": {"email": "a"}}}`, "mail_settings.bcc.email"},
	{`{"mail_settings": {"spam_check": {"threshold": 11}}}`, "mail_settings.spam_check.threshold"},
	{`{"mail_settings": {"spam_check": {"post_to_url": "ftp://a"}}}`, "mail_settings.spam_check.post_to_url"},
	{`{"tracking_settings": "off"}`, "tracking_settings"},
	{`{"tracking_settings": {"clicks": {"enable": false}}}`, "tracking_settings.clicks"},
	{`{"tracking_settings": {"click_tracking": false}}`, "tracking_settings.click_tracking"},
	{`{"tracking_settings": {"click_tracking": {"enable": 0}}}`, "tracking_settings.click_tracking.enable"},
	{`{"tracking_settings": {"click_tracking": {"enable_text": "no"}}}`, "tracking_settings.click_tracking.enable_text"},
	{`{"tracking_settings": {"open_tracking": {"enable": 0}}}`, "tracking_settings.open_tracking.enable"},
	{`{"tracking_settings": {"open_tracking": {"substitution_tag": 7}}}`, "tracking_settings.open_tracking.substitution_tag"},
	{`{"tracking_settings": {"subscription_tracking": {"enable": 0}}}`, "tracking_settings.subscription_tracking.enable"},
	{`{"tracking_settings": {"subscription_tracking": {"text": 7}}}`, "tracking_settings.subscription_tracking.text"},
	{`{"tracking_settings": {"subscription_tracking": {"html": 7}}}`, "tracking_settings.subscription_tracking.html"},
	{`{"tracking_settings": {"subscription_tracking": {"substitution_tag": 7}}}`, "tracking_settings.subscription_tracking.substitution_tag"},
	{`{"tracking_settings": {"ganalytics": {"enable": 0}}}`, "tracking_settings.ganalytics.enable"},
	{`{"tracking_settings": {"ganalytics": {"utm_source": 7}}}`, "tracking_settings.ganalytics.utm_source"},
	{`{"tracking_settings": {"ganalytics": {"utm_medium": 7}}}`, "tracking_settings.ganalytics.utm_medium"},
	{`{"tracking_settings": {"ganalytics": {"utm_term": 7}}}`, "tracking_settings.ganalytics.utm_term"},
	{`{"tracking_settings": {"ganalytics": {"utm_content": 7}}}`, "tracking_settings.ganalytics.utm_content"},
	{`{"tracking_settings": {"ganalytics": {"utm_campaign": 7}}}`, "tracking_settings.ganalytics.utm_campaign"},

	{`{"to": [{"email": "a@mail.example"}]}`, "to"},
	{`{"Subject": "Your invitation"}`, "Subject"},
	{`{"subject": "", "asm": {}, "send_at": "soon"}`, "asm.group_id send_at subject"},
}

// taken are bodies that only look as if they were to be refused.
var taken = []string{
	`{}`,
	`{"reply_to": null}`,
	`{"reply_to": null, "reply_to_list": [{"email": "a@mail.example"}, {"email": "b@mail.example", "name": "B"}]}`,
	`{"subject": null, "personalizations": [{"to": [{"email": "a@mail.example"}], "subject": "a"}]}`,
	`{"subject": null, "content": null, "template_id": "d-1"}`,
	`{"subject": "Einladung für Zoë 🗝"}`,
	`{"content": [{"type": "text/html", "value": "a"}]}`,
	`{"content": [{"type": "text/plain", "value": "a"}, {"type": "text/calendar", "value": "a"}, {"type": "text/x-amp-html", "value": "a"}]}`,
	`{"personalizations": [{"to": [{"email": "a@mail.example"}]}, {"to": [{"email": "a@mail.example"}]}]}`,
	`{"personalizations": [{"to": [{"email": "a@mail.example"}], "cc": [], "bcc": [{"email": "b@mail.example"}], "from": {"email": "b@kiwi.test"},
		"headers": {"X-Own": "a"}, "substitutions": {"-a-": "b"}, "dynamic_template_data": {"a": [1, null]}, "custom_args": {"a": ""}, "send_at": 1700259200}]}`,
	`{"personalizations": [{"to": [{"email": "%64%@mail.example", "name": "Müller, \"Anna\" <x>"}]}]}`,
	`{"attachments": [{"content": "eA==", "filename": "a.png", "type": "image/png", "disposition": "inline", "content_id": "a"}]}`,
	`{"headers": {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply", "List-Unsubscribe": "<mailto:a@mail.example>"}}`,
	`{"sections": {"a": "b"}, "batch_id": "a", "ip_pool_name": "ab", "send_at": 1, "asm": {"group_id": 7, "groups_to_display": [7]}}`,
	`{"ip_pool_name": "%64%", "categories": ["%255%", "2", "3", "4", "5", "6", "7", "8", "9", "10"]}`,
	`{"mail_settings": {"bypass_list_management": {"enable": true}, "bypass_bounce_management": {"enable": false}, "sandbox_mode": {}}}`,
	`{"mail_settings": {"bypass_bounce_management": {"enable": true}, "bypass_unsubscribe_management": {"enable": true}, "bypass_spam_management": {"enable": true},
		"footer": {"enable": true, "text": "a", "html": "b"}, "bcc": {"enable": true, "email": "a@mail.example"}, "spam_check": {"enable": true, "threshold": 5, "post_to_url": "https://a"}}}`,
	`{"tracking_settings": {"click_tracking": {"enable": true, "enable_text": false}, "open_tracking": {"enable": true, "substitution_tag": "%o%"},
		"subscription_tracking": {"enable": true, "text": "a", "html": "b", "substitution_tag": "c"},
		"ganalytics": {"enable": true, "utm_source": "a", "utm_medium": "b", "utm_term": "c", "utm_content": "d", "utm_campaign": "e"}}}`,
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, test := range refused {
		if got := problemFields(t, test.patch); got != test.fields {
			t.Errorf("%s: problems with %q, want %q", test.patch, got, test.fields)
		}
	}
	for _, patch := range taken {
		if got := problemFields(t, patch); got != "" {
			t.Errorf("%s: problems with %q, want none", patch, got)
		}
	}
}

// problemFields are the fields of all errors, in their order.
func problemFields(t *testing.T, patch string) string {
	t.Helper()
	for _, n := range []int{64, 65, 255, 256, 10_000} {
		patch = strings.ReplaceAll(patch, "%"+asJSON(n)+"%", strings.Repeat("x", n))
	}
	var body, change any
	for text, into := range map[string]*any{mailTo("anna@example.com"): &body, patch: &change} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	_, problems := parse([]byte(asJSON(merge(body, change))), time.Unix(1_700_000_000, 0))
	var fields []string
	for _, p := range problems {
		fields = append(fields, *p.Field)
	}
	return strings.Join(fields, " ")
}

// merge is RFC 7396.
func merge(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	merged = maps.Clone(merged)
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if changes[name] == nil {
			delete(merged, name)
		} else {
			merged[name] = merge(merged[name], changes[name])
		}
	}
	return merged
}
