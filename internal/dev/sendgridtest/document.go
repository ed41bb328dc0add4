package sendgridtest

import (
	"bytes"
	"encoding/json"
	"errors"
)

var errNotJSON = errors.New("not JSON")

// object is a JSON object whose names keep their order, repeated ones too.
type object struct {
	names  []string
	values map[string]any // of a repeated name, the last
}

// document reads JSON into objects, []any, string, json.Number, bool and nil.
func document(body []byte) (any, error) {
	if !json.Valid(body) { // which bounds the depth as well
		return nil, errNotJSON
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return value(d), nil
}

func value(d *json.Decoder) any {
	token, _ := d.Token()
	switch token {
	case json.Delim('{'):
		o := object{values: map[string]any{}}
		for d.More() {
			name, _ := d.Token()
			o.names = append(o.names, name.(string))
			o.values[name.(string)] = value(d)
		}
		_, _ = d.Token()
		return o
	case json.Delim('['):
		all := []any{}
		for d.More() {
			all = append(all, value(d))
		}
		_, _ = d.Token()
		return all
	}
	return token
}

// kindOf is what JSON calls a value.
func kindOf(v any) string {
	switch v := v.(type) {
	case object:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return "integer"
		}
		return "number"
	}
	return "null"
}
