// Package layout holds the tree to what can be said of it as a whole. It has
// tests only.
package layout
