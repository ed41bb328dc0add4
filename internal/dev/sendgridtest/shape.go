package sendgridtest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// problem is one entry of {"errors":[…]}. Field and Help are null when empty.
type problem struct {
	Message string  `json:"message"`
	Field   *string `json:"field"`
	Help    *string `json:"help"`
}

const helpPage = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"

// report collects all that is wrong, as SendGrid does.
type report struct {
	problems []problem
	now      time.Time
}

func (r *report) add(field, help, message string) {
	p := problem{Message: message, Field: &field}
	if help != "" {
		help = helpPage + help
		p.Help = &help
	}
	r.problems = append(r.problems, p)
}

// about adds a problem whose help is the part of SendGrid's page on that field.
func (r *report) about(field, message string) { r.add(field, "message."+anchor(field), message) }

var index = regexp.MustCompile(`\.\d+`)

// anchor is the field without places in lists, and without what a mailbox consists of.
func anchor(field string) string {
	return strings.TrimSuffix(strings.TrimSuffix(index.ReplaceAllString(field, ""), ".email"), ".name")
}

// shape is what is asked of one value of a body.
type shape struct {
	kind   string // of JSON
	needed bool
	empty  any // what an absent value is taken for if it is needed
	rules  []rule
}

// rule looks at a value that has the right kind.
type rule func(r *report, field string, v any)

func (s shape) check(r *report, field string, v any) {
	if kind := kindOf(v); kind != s.kind {
		r.add(field, "", fmt.Sprintf("Invalid type. Expected: %s, given: %s.", s.kind, kind))
		return
	}
	for _, rule := range s.rules {
		rule(r, field, v)
	}
}

func needed(s shape) shape {
	s.needed = true
	return s
}

func text(rules ...rule) shape    { return shape{kind: "string", empty: "", rules: rules} }
func integer(rules ...rule) shape { return shape{kind: "integer", rules: rules} }
func flag() shape                 { return shape{kind: "boolean"} }

// list is an array whose every element has the shape.
func list(of shape, rules ...rule) shape {
	each := func(r *report, field string, v any) {
		for i, element := range v.([]any) {
			of.check(r, field+"."+strconv.Itoa(i), element)
		}
	}
	return shape{kind: "array", empty: []any{}, rules: append(rules, each)}
}

type fields map[string]shape

// record is an object with these fields and no other.
func record(known fields, rules ...rule) shape {
	names := slices.Sorted(maps.Keys(known))
	each := func(r *report, field string, v any) {
		o := v.(object)
		for _, name := range names {
			given, ok := o.values[name]
			if !ok && known[name].needed {
				given, ok = known[name].empty, true
			}
			if ok {
				known[name].check(r, join(field, name), given)
			}
		}
		for _, name := range o.names {
			if _, ok := known[name]; !ok {
				r.add(join(field, name), "", fmt.Sprintf("Additional property %s is not allowed", name))
			}
		}
	}
	return shape{kind: "object", empty: object{}, rules: append([]rule{each}, rules...)}
}

// dictionary is an object whose names are the sender's.
func dictionary(rules ...rule) shape { return shape{kind: "object", empty: object{}, rules: rules} }

func join(field, name string) string { return strings.TrimPrefix(field+"."+name, ".") }

// must makes a rule of a condition. %v in the message is the value.
func must[T any](ok func(T) bool, message string) rule {
	return func(r *report, field string, v any) {
		if !ok(v.(T)) {
			r.about(field, strings.ReplaceAll(message, "%v", fmt.Sprint(v)))
		}
	}
}

func most(n int, message string) rule {
	return func(r *report, field string, v any) {
		if given := len(v.([]any)); given > n {
			r.about(field, strings.ReplaceAll(message, "%v", strconv.Itoa(given)))
		}
	}
}

func one(message string) rule { return must(func(s string) bool { return s != "" }, message) }

func without(characters, message string) rule {
	return must(func(s string) bool { return !strings.ContainsAny(s, characters) }, message)
}
