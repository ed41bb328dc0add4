package access

// Reload looks at all files as often as it takes for a change to count.
func (a *Access) Reload() {
	a.look()
	a.look()
}
