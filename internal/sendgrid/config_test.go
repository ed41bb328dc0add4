package sendgrid

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestNewChecksTheConfiguration(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*Config)
		want   string // in the error; none when empty
	}{
		"complete":            {func(*Config) {}, ""},
		"global":              {func(c *Config) { c.BaseURL = "" }, ""},
		"Europe":              {func(c *Config) { c.BaseURL = EuropeanURL }, ""},
		"slash at the end":    {func(c *Config) { c.BaseURL = GlobalURL + "/" }, ""},
		"below a path":        {func(c *Config) { c.BaseURL = "https://proxy.test/sendgrid" }, ""},
		"http on loopback":    {func(c *Config) { c.BaseURL = "http://[::1]:8025" }, ""},
		"no reply-to":         {func(c *Config) { c.ReplyTo = "" }, ""},
		"no time-out":         {func(c *Config) { c.Timeout = 0 }, ""},
		"no key":              {func(c *Config) { c.APIKey = "" }, "API key"},
		"key with line break": {func(c *Config) { c.APIKey = key + "\n" }, "API key"},
		"key with blank":      {func(c *Config) { c.APIKey = "Bearer " + key }, "API key"},
		"key not ASCII":       {func(c *Config) { c.APIKey = key + "ü" }, "API key"},
		"http to the world":   {func(c *Config) { c.BaseURL = "http://api.sendgrid.com" }, "base URL"},
		"other scheme":        {func(c *Config) { c.BaseURL = "ftp://api.sendgrid.com" }, "base URL"},
		"host only":           {func(c *Config) { c.BaseURL = "api.sendgrid.com" }, "base URL"},
		"no URL":              {func(c *Config) { c.BaseURL = "https://%zz" }, "base URL"},
		"key in the URL":      {func(c *Config) { c.BaseURL = "https://user:" + key + "@api.sendgrid.com" }, "base URL"},
		"query in the URL":    {func(c *Config) { c.BaseURL = GlobalURL + "?key=" + key }, "base URL"},
		"no from":             {func(c *Config) { c.FromAddress = "" }, "from address"},
		"from with name":      {func(c *Config) { c.FromAddress = "KIWI <no-reply@kiwi.test>" }, "from address"},
		"from not ASCII":      {func(c *Config) { c.FromAddress = "no-reply@müller.test" }, "from address"},
		"from name in lines":  {func(c *Config) { c.FromName = "KIWI\r\nBcc: eve@example.com" }, "from name"},
		"two reply-to":        {func(c *Config) { c.ReplyTo = "a@kiwi.test, b@kiwi.test" }, "reply-to address"},
		"negative time-out":   {func(c *Config) { c.Timeout = -time.Second }, "time-out"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(GlobalURL)
			test.change(&c)
			_, err := New(c)
			if test.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one about the %s", err, test.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error has the key: %v", err)
			}
		})
	}
}

func TestTheKeyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	c := config(GlobalURL)
	client := newClient(t, c)
	var out bytes.Buffer
	for _, value := range []any{c, &c, client, *client} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
			fmt.Fprintf(&out, verb+"\n", []any{value})
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("JSON", "value", value)
		if err := json.NewEncoder(&out).Encode(value); err != nil {
			t.Error(err)
		}
	}
	hex := fmt.Sprintf("%x", key)
	if s := out.String(); strings.Contains(s, "canary") || strings.Contains(s, hex) {
		t.Errorf("printed:\n%s", s)
	}
}
