package sendgrid

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// The addresses of SendGrid's API. A key belongs to one of the two.
const (
	GlobalURL   = "https://api.sendgrid.com"
	EuropeanURL = "https://api.eu.sendgrid.com"
)

const defaultTimeout = 30 * time.Second

// Config says how to reach SendGrid and who the mails are from. It is never
// printed with its key.
type Config struct {
	// APIKey needs the permission "Mail Send" and no other.
	APIKey string `json:"-"`
	// KeyFile holds the key instead, and is read again (Client.Follow).
	KeyFile string
	// BaseURL is GlobalURL when empty. Plain http is for loopback only: the
	// key travels in a header.
	BaseURL string
	// FromAddress must be a verified sender. SendGrid takes ASCII only here.
	FromAddress string
	FromName    string
	// ReplyTo is an address, or empty.
	ReplyTo string
	// Sandbox has every mail checked by SendGrid and delivered to nobody.
	Sandbox bool
	// BypassUnsubscribes has SendGrid deliver to those too who unsubscribed from
	// the account's mail.
	BypassUnsubscribes bool
	// Timeout bounds one request from dialling to the last byte of the
	// answer; 30 seconds when zero.
	Timeout time.Duration
	// Transport carries the requests; one of our own when nil.
	Transport http.RoundTripper `json:"-"`
}

func (c Config) validated() (Config, error) {
	if c.BaseURL == "" {
		c.BaseURL = GlobalURL
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if c.KeyFile != "" {
		key, err := loadKey(c.KeyFile)
		if err != nil {
			return Config{}, fmt.Errorf("sendgrid: %w", err)
		}
		c.APIKey = key
	}
	checks := []struct {
		field string
		err   error
	}{
		{"API key", checkKey(c.APIKey)},
		{"base URL", checkURL(c.BaseURL)},
		{"from address", checkAddress(c.FromAddress)},
		{"from name", checkName(c.FromName)},
		{"reply-to address", checkOptionalAddress(c.ReplyTo)},
		{"time-out", checkTimeout(c.Timeout)},
	}
	for _, check := range checks {
		if check.err != nil {
			return Config{}, fmt.Errorf("sendgrid: %s: %w", check.field, check.err)
		}
	}
	return c, nil
}

// None of these errors repeats the value: half a key is a secret too.

func checkKey(key string) error {
	if key == "" {
		return errors.New("is missing")
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return errors.New("has a blank, a line break or another character that no key has")
		}
	}
	return nil
}

func checkURL(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Hostname() == "":
		return errors.New("is not an absolute URL")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("has more than scheme, host and path")
	case u.Scheme == "https", u.Scheme == "http" && IsLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("is not https, so the key would be read on the way")
	}
	return errors.New("is not https")
}

// IsLoopback reports whether a host, a name or an address without a port, is
// this machine itself, so that what is said to it in plaintext stays here.
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func checkAddress(address string) error {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || strings.ContainsFunc(address, notASCII) {
		return errors.New("is not one plain ASCII address")
	}
	return nil
}

func checkOptionalAddress(address string) error {
	if address == "" {
		return nil
	}
	return checkAddress(address)
}

func checkName(name string) error {
	if strings.ContainsFunc(name, unicode.IsControl) {
		return errors.New("has a control character")
	}
	return nil
}

func checkTimeout(d time.Duration) error {
	if d < 0 {
		return errors.New("is negative")
	}
	return nil
}

func notASCII(r rune) bool { return r > unicode.MaxASCII }

func (c Config) describe() string {
	return fmt.Sprintf("sendgrid(%s from %s, sandbox %t, key redacted)", c.BaseURL, c.FromAddress, c.Sandbox)
}

// Format implements fmt.Formatter for every verb.
func (c Config) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(c.describe())) }

// LogValue implements slog.LogValuer.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.describe()) }
