package launch

import (
	"slices"
	"testing"
)

func TestPick(t *testing.T) {
	t.Parallel()
	all := []int{30, 31, 41}
	self := func(n int) int { return n }
	for list, want := range map[string][]int{"": all, "41,30": {41, 30}, "31": {31}} {
		if got, err := Pick(list, all, self); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q picks %v, %v", list, got, err)
		}
	}
	for _, list := range []string{"32", "x", "30,", ","} {
		if got, err := Pick(list, all, self); err == nil {
			t.Errorf("%q picks %v", list, got)
		}
	}
}
