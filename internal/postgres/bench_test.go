package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
)

// BenchmarkSend is what a Send costs below the API, alone and among others.
func BenchmarkSend(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers %d", callers), func(b *testing.B) {
			s := storetest.New(b, pgtest.Pool(b, pgtest.Database(b)))
			ids := make([]string, b.N)
			for i := range ids {
				ids[i] = person(b, s)
			}
			b.ReportAllocs()
			b.ResetTimer()
			var done sync.WaitGroup
			for n := range callers {
				done.Go(func() {
					for i := n; i < len(ids); i += callers {
						if _, err := s.Update(b.Context(), identified(send(ids[i]), newRequest())); err != nil {
							b.Error(err)
						}
					}
				})
			}
			done.Wait()
		})
	}
}
