package access

// Reload looks at all files now.
func (a *Access) Reload() { a.reload() }
