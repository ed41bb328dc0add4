package portal

import (
	"bytes"
	"context"
	"encoding/base64"
	"html/template"
	"net/http"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// sheets are info sheets to print, and what became of each user.
type sheets struct {
	pdf     []byte
	results []*pb.GenerateInfoSheetsResponse
}

// generateSheets reads the document to its end: each link is issued when its page's
// turn comes.
func (p *Portal) generateSheets(ctx context.Context, target pb.Target, users []string, requestID string) (*sheets, error) {
	request := &pb.GenerateInfoSheetsRequest{
		OrganizationId: organization, Target: target, RequestId: requestID, Actor: operator,
	}
	for _, user := range users {
		request.Sheets = append(request.Sheets, &pb.InfoSheet{UserId: user})
	}
	var document bytes.Buffer
	results, err := p.service.InfoSheets(ctx, request, &document)
	return &sheets{document.Bytes(), results}, err
}

// URL has the document in itself, so that no address of this server leads to it.
func (s *sheets) URL() template.URL {
	if len(s.pdf) == 0 {
		return ""
	}
	return template.URL("data:application/pdf;base64," + base64.StdEncoding.EncodeToString(s.pdf))
}

// sheet is the page of one user.
func (p *Portal) sheet(w http.ResponseWriter, r *http.Request) error {
	sheets, err := p.generateSheets(r.Context(), target(r), []string{r.PathValue("id")}, r.PostFormValue("request_id"))
	if err != nil {
		return p.showUser(w, r, httpStatus(err), userView{Refusal: refusalOf(r, err)})
	}
	switch {
	case len(sheets.pdf) > 0:
	case sheets.results[0].GetReason() == pb.ErrorReason_ERROR_REASON_UNSPECIFIED:
		return p.showDeadLink(w, r)
	default:
		return p.showUser(w, r, http.StatusUnprocessableEntity, userView{Refusal: refusalOfOne(r, sheets.results[0])})
	}
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", `attachment; filename="kiwi-einladung.pdf"`)
	_, err = w.Write(sheets.pdf)
	return err
}
