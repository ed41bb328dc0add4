// Package mailaddr reads what people type: e-mail addresses, and the names of
// persons and organizations that appear in mails.
//
// Both are strict. An address must be one that every mail server delivers to,
// and has one key in whatever spelling. A name must be one that a mail program
// shows as text and nothing else: whoever may choose a name must not be able
// to put a link of their own into a mail of ours.
package mailaddr

// Error is why an address or a name was refused. Its text names the rule and
// never the input, so that it may be logged and shown to callers.
type Error string

func (e Error) Error() string { return string(e) }

// The reasons that addresses and names have in common.
const (
	ErrEmpty     Error = "empty"
	ErrEncoding  Error = "not valid UTF-8"
	ErrTooLong   Error = "too long"
	ErrControl   Error = "contains a control character or a line break"
	ErrInvisible Error = "contains an invisible character or one that changes the direction of writing"
)

// The reasons of Parse.
const (
	ErrNotOne        Error = "not exactly one plain address of the form name@example.com"
	ErrBlank         Error = "contains a blank"
	ErrDots          Error = "a dot begins or ends a part of the address, or two stand in a row"
	ErrLocalPart     Error = "the part before the @ contains a character that is not allowed there"
	ErrLocalNotASCII Error = "the part before the @ contains a letter outside ASCII, to which mail can not be delivered"
	ErrDomain        Error = "the part after the @ is not a valid domain"
	ErrNoTopLevel    Error = "the domain has no top-level domain such as .de"
)

// The reasons of Name.
const (
	ErrNoLetter  Error = "contains neither a letter nor a digit"
	ErrMarks     Error = "contains a combining mark without a letter, or too many of them in a row"
	ErrCharacter Error = "contains a character that no name has"
)
