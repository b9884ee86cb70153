// Package doctest holds the documents to what is true: their links lead somewhere, their manifests are valid, the commands and flags
// that they name exist, and what they list is all there is.
package doctest
