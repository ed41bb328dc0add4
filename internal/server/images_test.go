package server_test

import (
	"bytes"
	"strings"
	"testing"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestImages: a code is drawn as it was asked for, and is a PNG with KIWI's mark
// where nothing was.
func TestImages(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	draw := func(req *pb.GenerateQRRequest) *pb.GenerateQRResponse {
		t.Helper()
		req.OrganizationId, req.UserId, req.Target = org, id, app
		resp, err := s.GenerateQR(t.Context(), req)
		must(t, err)
		return resp
	}
	for format, want := range map[pb.ImageFormat][2]string{
		pb.ImageFormat_IMAGE_FORMAT_UNSPECIFIED: {"image/png", "\x89PNG"},
		pb.ImageFormat_IMAGE_FORMAT_PNG:         {"image/png", "\x89PNG"},
		pb.ImageFormat_IMAGE_FORMAT_SVG:         {"image/svg+xml", "<svg"},
	} {
		image := draw(&pb.GenerateQRRequest{Format: format})
		if image.GetContentType() != want[0] || !bytes.HasPrefix(image.GetImage(), []byte(want[1])) {
			t.Errorf("%v is %q, %.20q", format, image.GetContentType(), image.GetImage())
		}
		marked := draw(&pb.GenerateQRRequest{Format: format, Mark: pb.Mark_MARK_KIWI})
		if !bytes.Equal(marked.GetImage(), image.GetImage()) {
			t.Errorf("%v has no mark", format)
		}
		plain := draw(&pb.GenerateQRRequest{Format: format, Mark: pb.Mark_MARK_NONE})
		if bytes.Equal(plain.GetImage(), image.GetImage()) {
			t.Errorf("%v without a mark is drawn with one", format)
		}
	}
	svg := string(draw(&pb.GenerateQRRequest{Format: pb.ImageFormat_IMAGE_FORMAT_SVG, Color: "#123456", SizePx: 300}).GetImage())
	if !strings.Contains(svg, "#123456") || !strings.Contains(svg, `"300"`) {
		t.Errorf("neither color nor size are as asked for: %.300s", svg)
	}
}
