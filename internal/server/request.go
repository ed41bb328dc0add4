package server

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/text/language"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mailaddr"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// mutating is what every request has in common that changes something.
type mutating interface {
	proto.Message
	GetRequestId() string
	GetActor() string
}

// origin says who asks for what. Two requests have one fingerprint if they mean
// the same; see meaning.
func origin(ctx context.Context, cause string, req mutating) (invitation.Request, error) {
	r := invitation.Request{Cause: cause, Actor: req.GetActor(), Caller: access.Caller(ctx)}
	if req.GetRequestId() == "" {
		return r, nil
	}
	id, err := uuid.Parse(req.GetRequestId())
	if err != nil {
		return r, badField("request_id", "must be a UUID")
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(meaning(req))
	if err != nil {
		return r, fmt.Errorf("marshal a request: %w", err)
	}
	sum := sha256.Sum256(slices.Concat([]byte(cause), []byte{0}, raw))
	r.ID, r.Fingerprint = id, sum[:]
	return r, nil
}

// inOrganization names a user as the portal does.
func inOrganization(req interface {
	GetOrganizationId() string
	GetUserId() string
}) invitation.Key {
	return invitation.Key{OrganizationID: req.GetOrganizationId(), UserID: req.GetUserId()}
}

// address reads a field that holds an e-mail address.
func address(field, text string) (invitation.Email, error) {
	email, err := mailaddr.Parse(text)
	if err != nil {
		return invitation.Email{}, fieldErrors{{Field: field, Problem: err.Error(), Email: true}}
	}
	return email, nil
}

// optionalAddress is address, where none may be known.
func optionalAddress(field, text string) (invitation.Email, error) {
	if text == "" {
		return invitation.Email{}, nil
	}
	return address(field, text)
}

// name reads a field that holds a name, or another line of text that mails show.
func name(field, text string) (string, error) {
	checked, err := mailaddr.Name(text)
	if err != nil {
		return "", badField(field, err.Error())
	}
	return checked, nil
}

// optionalName is name, where nothing may be told.
func optionalName(field, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	return name(field, text)
}

// locale reads a field that holds a language, or nothing, and leaves it as it was
// written. The library would take an underscore for a hyphen.
func locale(field, text string) (invitation.Locale, error) {
	if text == "" {
		return "", nil
	}
	if _, err := language.Parse(text); err != nil || strings.Contains(text, "_") {
		return "", badField(field, "must be a BCP 47 language tag, such as de-AT")
	}
	return invitation.Locale(text), nil
}

// checkMask refuses a mask without paths, and paths that it may not have.
func checkMask(mask *fieldmaskpb.FieldMask, known ...string) error {
	if len(mask.GetPaths()) == 0 {
		return badField("update_mask", "must name at least one field")
	}
	for i, path := range mask.GetPaths() {
		if !slices.Contains(known, path) {
			return badField(fmt.Sprintf("update_mask.paths[%d]", i), "must be one of "+strings.Join(known, ", "))
		}
	}
	return nil
}

// names reports whether a mask names a field.
func names(mask *fieldmaskpb.FieldMask, path string) bool {
	return slices.Contains(mask.GetPaths(), path)
}

// named reads a field that the mask names, and is nil for another.
func named[From, To any](mask *fieldmaskpb.FieldMask, field string, value From, read func(field string, value From) (To, error)) (*To, error) {
	if !names(mask, field) {
		return nil, nil
	}
	checked, err := read(field, value)
	return &checked, err
}

// badTarget refuses a request that has something mailed and does not say what.
func badTarget(t pb.Target) error {
	if t == pb.Target_TARGET_UNSPECIFIED {
		return badField("target", "is needed to send an invitation now")
	}
	return nil
}
