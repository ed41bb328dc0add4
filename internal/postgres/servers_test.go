package postgres_test

import (
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestApplicationName: Postgres cuts what is longer, and the process is what tells
// two servers of a machine apart.
func TestApplicationName(t *testing.T) {
	t.Parallel()
	if got := postgres.ApplicationName("api", "v1.2.3", "api-0", 1); got != "invitationd/api/v1.2.3/api-0/1" {
		t.Error(got)
	}
	if got := postgres.ApplicationName("worker", "v1.2.3", strings.Repeat("x", 200), 4194304); len(got) != 63 || !strings.HasSuffix(got, "x/4194304") {
		t.Error(got)
	}
}
