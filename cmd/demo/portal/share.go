package portal

import (
	"encoding/base64"
	"html/template"
	"net/http"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// share is what the QR dialog shows.
type share struct {
	Invitation *pb.Invitation
	Link       string
	// Image is the code as a data: URL, so that no address of this server leads to it.
	Image template.URL
}

// shareLink shows the link to hand over in person, as a QR code and as text. It is
// the same again as long as the invitation is pending.
func (p *Portal) shareLink(w http.ResponseWriter, r *http.Request) error {
	response, err := p.generateQR(r, pb.ImageFormat_IMAGE_FORMAT_PNG)
	if err != nil {
		return p.showUser(w, r, httpStatus(err), userView{Refusal: refusalOf(r, err)})
	}
	view := userView{Dialog: "share", Target: target(r)}
	if response.GetLink() != "" { // none if the form is an old one, whose link has died
		view.Share = &share{
			Invitation: response.GetInvitation(),
			Link:       response.GetLink(),
			Image:      template.URL("data:" + response.GetContentType() + ";base64," + base64.StdEncoding.EncodeToString(response.GetImage())),
		}
	}
	return p.showUser(w, r, http.StatusOK, view)
}

// drawing is the same code for letters, sharp at every size.
func (p *Portal) drawing(w http.ResponseWriter, r *http.Request) error {
	response, err := p.generateQR(r, pb.ImageFormat_IMAGE_FORMAT_SVG)
	if err != nil {
		return p.showUser(w, r, httpStatus(err), userView{Refusal: refusalOf(r, err)})
	}
	if len(response.GetImage()) == 0 {
		return p.showDeadLink(w, r)
	}
	w.Header().Set("Content-Type", response.GetContentType())
	w.Header().Set("Content-Disposition", `attachment; filename="kiwi-qr.svg"`)
	_, err = w.Write(response.GetImage())
	return err
}

// showDeadLink is for a dialog that was open for long: what it has shown is dead by
// now, and no link is shown that does not work.
func (p *Portal) showDeadLink(w http.ResponseWriter, r *http.Request) error {
	return p.showUser(w, r, http.StatusOK, userView{Dialog: "share", Target: target(r)})
}

func (p *Portal) generateQR(r *http.Request, format pb.ImageFormat) (*pb.GenerateQRResponse, error) {
	return p.service.GenerateQR(r.Context(), &pb.GenerateQRRequest{
		OrganizationId: organization, UserId: r.PathValue("id"), Target: target(r), Format: format, SizePx: 600,
		RequestId: r.PostFormValue("request_id"), Actor: operator,
	})
}
