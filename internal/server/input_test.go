package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// valid is a request of each method that nothing is wrong with.
var valid = map[string]string{
	"Send":               `{"organization_id":"o","user_id":"u","target":1}`,
	"Renew":              `{"organization_id":"o","user_id":"u","target":1}`,
	"Revoke":             `{"organization_id":"o","user_id":"u","target":1}`,
	"GenerateQR":         `{"organization_id":"o","user_id":"u","target":1}`,
	"GenerateInfoSheets": `{"organization_id":"o","target":1,"sheets":[{"user_id":"u"}]}`,
	"UpdateEmail":        `{"organization_id":"o","user_id":"u","target":1,"email":"a@example.com","follow_up":1}`,
	"ResetActivation":    `{"organization_id":"o","user_id":"u","target":1}`,
	"GetInvitation":      `{"organization_id":"o","invitation_id":"01a21060-3013-7a0c-9547-2b32f2355159"}`,
	"ListInvitations":    `{"organization_id":"o"}`,
	"ListEvents":         `{"organization_id":"o"}`,
	"BatchSend":          `{"organization_id":"o","user_ids":["u"],"target":1,"action":1}`,
	"WatchEvents":        `{"organization_id":"o"}`,
	"CreateUser":         `{"organization_id":"o","user_id":"new","type":1,"display_name":"Erika","invite":1,"target":1,"email":"b@example.com"}`,
	"GetUser":            `{"organization_id":"o","user_id":"u"}`,
	"DeactivateUser":     `{"organization_id":"o","user_id":"u"}`,
	"EraseUser":          `{"organization_id":"o","user_id":"u"}`,
	"ReactivateUser":     `{"organization_id":"o","user_id":"u"}`,
	"UpdateUser":         `{"organization_id":"o","user_id":"u","update_mask":"displayName,locale,type","display_name":"Erika","type":1}`,
	"ListUsers":          `{"organization_id":"o"}`,
	"BatchCreateUsers":   `{"organization_id":"o","users":[{"user_id":"many","type":1,"display_name":"Erika","invite":2}]}`,
	"GetOrganization":    `{"organization_id":"o"}`,
	"UpdateOrganization": `{"organization_id":"o","update_mask":"name,replyTo,contact,imprint,defaultLocale"}`,
	"GetStatus":          `{}`,
	"SendAgain":          `{}`,
	"RevokeAll":          `{"organization_id":"o"}`,
	"ExportUser":         `{"user_id":"u"}`,
	"ListDeliveries":     `{}`,
	"FindUser":           `{}`,
	"PauseDelivery":      `{}`,
	"ResumeDelivery":     `{}`,
	"Preview":            `{"token":"AAAA"}`,
	"Redeem":             `{"token":"AAAA"}`,
	"ConfirmEmail":       `{"user_id":"u","email":"c@example.com"}`,
}

// wrong has wrong values for each field, as JSON, by the field's name; those
// that depend on the method stand under "Method.field".
var wrong = map[string][]string{
	"organization_id":                {`""`, `" "`, `"a b"`, `"anna@example.com"`, `"ä"`, quoted(strings.Repeat("x", 129)), `"a\nb"`},
	"ConfirmEmail.organization_id":   {`" "`, `"a b"`, `"anna@example.com"`},
	"user_id":                        {`""`, `"a b"`, `"anna@example.com"`, quoted(strings.Repeat("x", 129)), `"a\u0000"`},
	"ListEvents.user_id":             {`"a b"`, `"anna@example.com"`, quoted(strings.Repeat("x", 129))},
	"SendAgain.organization_id":      {`"a b"`, `"anna@example.com"`},
	"ListDeliveries.organization_id": {`"a b"`, `"anna@example.com"`},
	"PauseDelivery.organization_id":  {`"a b"`, `"@all"`},
	"ResumeDelivery.organization_id": {`"a b"`, `"@all"`},
	"ListDeliveries.state":           {`99`},
	"ListDeliveries.user_id":         {`"a b"`, `"anna@example.com"`},
	"FindUser.user_id":               {`"a b"`, `"anna@example.com"`},
	"FindUser.email":                 {`"x"`, `"a@b.de, c@d.de"`},
	"SendAgain.user_ids":             {`["u","u"]`, `["u","a b"]`, `[""]`, tooMany()},
	"SendAgain.state":                {`1`, `5`, `99`},
	"reason":                         {quoted(strings.Repeat("x", 201))},
	"since":                          nil,
	"issued_before":                  nil,
	"until":                          nil,
	"dry_run":                        nil,
	"target":                         {`0`, `7`},
	"ListInvitations.target":         {`7`, `-1`},
	"request_id":                     {`"x"`, `"01a21060-3013-7a0c-9547-2b32f235515"`, `"01a21060-3013-7a0c-9547-2b32f2355159 "`},
	"actor":                          {`"Erika Mustermann"`, `"erika@example.com"`, `"a\nb"`, quoted(strings.Repeat("x", 129))},
	"format":                         {`9`},
	"size_px":                        {`127`, `2049`, `-1`},
	"color":                          {`"green"`, `"#ffff"`, `"#7AB929"`, `"#ffffff"`, `"#1a56321"`},
	"mark":                           {`9`},
	"email":                          {`""`, `"x"`, `"a@b"`, `"a@b.de, c@d.de"`, `"Erika <a@example.com>"`, `"a@exa\u200bmple.com"`, `"a\r\nb@example.com"`, quoted(strings.Repeat("x", 250) + "@example.com"), quoted(strings.Repeat("x", 2000))},
	"CreateUser.email":               {`"x"`, `"a@b.de, c@d.de"`, `"a@example..com"`, quoted(strings.Repeat("x", 2000))},
	"follow_up":                      {`0`, `9`},
	"invitation_id":                  {`""`, `"x"`},
	"ListEvents.invitation_id":       {`"x"`},
	"state":                          {`9`},
	"delivery_state":                 {`99`},
	"page_size":                      {`-1`, `501`},
	"page_token":                     {`"x"`, `"AAAAAAAAAAAAAAAAAAAAAA"`, `"%"`, quoted(strings.Repeat("A", 513))},
	"ListUsers.user_ids":             {`["u","u"]`, `["u","a b"]`, `[""]`, tooMany()},
	"ListUsers.email":                {`"x"`, `"a@b.de, c@d.de"`},
	"account_status":                 {`9`},
	"deactivated":                    nil,
	"users":                          {`[]`, tooManyUsers()},
	"sheets":                         badSheets,
	"update_mask":                    {`null`, `""`, `"email"`, `"displayName,id"`},
	"UpdateUser.type":                {`0`, `9`},
	"name":                           badTexts,
	"contact":                        badTexts,
	"imprint":                        {`["a\nb"]`, `[""]`, `["a","b","c","d","e","f","g","h","i","j","k"]`},
	"reply_to":                       {`"x"`, `"a@b.de, c@d.de"`},
	"default_locale":                 {`"de_AT"`, `"german"`, `"-"`},
	"despite_bounce":                 nil,
	"without_email":                  nil,
	"user_ids":                       {`[]`, `["u","u"]`, `["u","a b"]`, `[""]`, tooMany()},
	"action":                         {`0`, `3`, `9`},
	"cursor":                         {`"x"`, `"AAAAAAAAAAAAAAAAAAAAAA"`, `"%"`, quoted(strings.Repeat("A", 129)), quoted(strings.Repeat("A", 38))},
	"type":                           {`0`, `9`},
	"display_name":                   append(badTexts, `""`, `" "`),
	"locale":                         {`"de_AT"`, `"german"`, `"-"`, `"de-"`, quoted(strings.Repeat("x", 65))},
	"invite":                         {`0`, `9`},
	"token":                          {`""`, quoted(strings.Repeat("A", 2049))},
}

// badTexts can't stand in a line of a mail.
var badTexts = []string{`"Erika\nMustermann"`, `"a\u202eb"`, `"a\u0007b"`, quoted(strings.Repeat("x", 201)), quoted(strings.Repeat("x", 2000))}

// badSheets are none, too many, twice the same, and what can't be printed.
var badSheets = []string{
	`[]`, "[" + strings.Repeat(`{"user_id":"u"},`, 1000) + `{"user_id":"u"}]`, `[{"user_id":"u"},{"user_id":"u"}]`, `[{"user_id":"a b"}]`, `[{}]`,
	`[{"user_id":"u","address_lines":[""]}]`, `[{"user_id":"u","address_lines":["1","2","3","4","5","6","7"]}]`,
	`[{"user_id":"u","address_lines":[` + quoted(strings.Repeat("x", 61)) + `]}]`, `[{"user_id":"u","address_lines":["a\nb"]}]`,
	`[{"user_id":"v"},{"user_id":"u","address_lines":["Ahornallee 1","\u6771\u4eac"]}]`,
}

func quoted(s string) string { return `"` + s + `"` }

func tooMany() string {
	ids := make([]string, 1001)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"u%d"`, i)
	}
	return "[" + strings.Join(ids, ",") + "]"
}

func tooManyUsers() string { return "[" + strings.Repeat("{},", 1000) + "{}]" }

// TestBadInput tries every wrong value in every field of every request: the
// answer names the field, and nothing is stored.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, err := s.CreateUser(t.Context(), &pb.CreateUserRequest{
		OrganizationId: "o", UserId: "u", Type: pb.UserType_USER_TYPE_EMPLOYEE, DisplayName: "Erika", Invite: pb.Invite_INVITE_LATER,
	})
	must(t, err)
	before := s.rows()
	for _, method := range methods() {
		if valid[string(method.Name())] == "" {
			t.Errorf("%s: there is no request here that is in order", method.Name())
			continue
		}
		fields := method.Input().Fields()
		for i := range fields.Len() {
			field := fields.Get(i)
			for _, value := range valuesFor(t, method, field) {
				t.Run(fmt.Sprintf("%s/%s=%.40s", method.Name(), field.Name(), value), func(t *testing.T) {
					s.with(t).refuses(method, field, value)
				})
			}
		}
	}
	if after := s.rows(); after != before {
		t.Errorf("refused calls stored something: %s, before %s", after, before)
	}
}

func valuesFor(t *testing.T, method protoreflect.MethodDescriptor, field protoreflect.FieldDescriptor) []string {
	t.Helper()
	values := wrong[string(method.Name())+"."+string(field.Name())]
	if values == nil {
		values = wrong[string(field.Name())]
	}
	if _, known := wrong[string(field.Name())]; !known && values == nil {
		t.Fatalf("%s.%s has no wrong value here", method.Name(), field.Name())
	}
	return values
}

func (s *stack) refuses(method protoreflect.MethodDescriptor, field protoreflect.FieldDescriptor, value string) {
	s.t.Helper()
	req := dynamicpb.NewMessage(method.Input())
	fields := map[string]json.RawMessage{}
	must(s.t, json.Unmarshal([]byte(valid[string(method.Name())]), &fields))
	fields[string(field.Name())] = json.RawMessage(value)
	raw, err := json.Marshal(fields)
	must(s.t, err)
	must(s.t, protojson.Unmarshal(raw, req))
	err = s.invoke(method, req)
	if status.Code(err) != codes.InvalidArgument {
		s.t.Fatalf("got %v", err)
	}
	reason, paths := violations(err)
	if email := (field.Name() == "email" || field.Name() == "reply_to") && len(value) < 1000 && value != `""`; email && reason != "EMAIL_INVALID" || !email && reason != "INVALID_FIELD" {
		s.t.Errorf("reason is %s", reason)
	}
	for _, path := range paths {
		if path != string(field.Name()) && !strings.HasPrefix(path, string(field.Name())+"[") && !strings.HasPrefix(path, string(field.Name())+".") {
			s.t.Errorf("path is %q", path)
		}
	}
	if text := strings.Trim(value, `"[]`); field.Name() != "color" && len(text) > 6 && strings.Contains(err.Error(), text) {
		s.t.Errorf("the message quotes the value: %v", err)
	}
}

func (s *stack) invoke(method protoreflect.MethodDescriptor, req proto.Message) error {
	path := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	if !method.IsStreamingServer() {
		return s.conn.Invoke(s.t.Context(), path, req, dynamicpb.NewMessage(method.Output()))
	}
	stream, err := s.conn.NewStream(s.t.Context(), &grpc.StreamDesc{ServerStreams: true}, path)
	must(s.t, err)
	must(s.t, errors.Join(stream.SendMsg(req), stream.CloseSend()))
	return stream.RecvMsg(dynamicpb.NewMessage(method.Output()))
}

func methods() (all []protoreflect.MethodDescriptor) {
	protoregistry.GlobalFiles.RangeFilesByPackage("kiwi.invitation.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				all = append(all, service.Methods().Get(j))
			}
		}
		return true
	})
	return all
}

func violations(err error) (reason string, paths []string) {
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = d.GetReason()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				paths = append(paths, v.GetField())
			}
		}
	}
	return reason, paths
}

// rows counts what is stored, table by table.
func (s *stack) rows() string {
	s.t.Helper()
	var counts string
	must(s.t, s.pool.QueryRow(s.t.Context(), `SELECT concat_ws(' ', (SELECT count(*) FROM users), (SELECT count(*) FROM invitations),
		(SELECT count(*) FROM deliveries), (SELECT count(*) FROM events), (SELECT count(*) FROM requests), (SELECT count(*) FROM river_job))`).Scan(&counts))
	return counts
}

// TestMissingTarget: what is asked to be sent now needs a target.
func TestMissingTarget(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, err := s.CreateUser(t.Context(), &pb.CreateUserRequest{
		OrganizationId: "o", UserId: "u", Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Erika", Email: "e@example.com", Invite: pb.Invite_INVITE_NOW,
	})
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
	_, err = s.UpdateEmail(t.Context(), &pb.UpdateEmailRequest{
		OrganizationId: "o", UserId: "u", Email: "e@example.com", FollowUp: pb.FollowUp_FOLLOW_UP_SEND_NOW,
	})
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
	if _, paths := violations(err); len(paths) != 1 || paths[0] != "target" {
		t.Errorf("paths are %v", paths)
	}
}

// TestSharedRules: what many fields have in common is said in plain words.
func TestSharedRules(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := "must be 1 to 128 printable ASCII characters without blanks and @"
	for _, c := range []struct {
		req  *pb.SendRequest
		path string
		says string
	}{
		{&pb.SendRequest{UserId: "u", Target: app}, "organization_id", "is required"},
		{&pb.SendRequest{OrganizationId: "o", UserId: "a b", Target: app}, "user_id", id},
		{&pb.SendRequest{OrganizationId: "o", UserId: "u", Target: app, RequestId: "x"}, "request_id", "must be a UUID"},
		{&pb.SendRequest{OrganizationId: "o", UserId: "u", Target: app, Actor: "a b"}, "actor", "must be at most 128 printable ASCII characters without blanks and @"},
	} {
		_, err := s.Send(t.Context(), c.req)
		want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
		if text := status.Convert(err).Message(); text != c.path+": "+c.says {
			t.Errorf("%s: got %q, want %q", c.path, text, c.says)
		}
	}
	_, err := s.BatchSend(t.Context(), &pb.BatchSendRequest{OrganizationId: "o", UserIds: []string{"u", ""}, Target: app, Action: pb.Action_ACTION_SEND})
	if text := status.Convert(err).Message(); text != "user_ids[1]: is required" {
		t.Errorf("an item is refused with %q", text)
	}
}

// TestDespiteBounceNeedsMail: nothing is mailed later, and so nothing despite
// anything.
func TestDespiteBounceNeedsMail(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, err := s.UpdateEmail(t.Context(), &pb.UpdateEmailRequest{
		OrganizationId: "o", UserId: "u", Email: "e@example.com", FollowUp: pb.FollowUp_FOLLOW_UP_LATER, DespiteBounce: true,
	})
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
}
