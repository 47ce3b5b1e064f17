// Package inert makes the HTML of a message harmless.
//
// In comes HTML as a stranger sent it; out goes HTML of elements and attributes
// that are on a list, with nothing in it that runs, loads, submits or leads
// elsewhere by itself, and the style sheet that belongs to it. Nothing is
// written, and memory and output are bounded whatever comes in.
//
// The way is an allow list over the tokens of golang.org/x/net/html: what goes
// out is written anew from names that this package knows, attribute values that
// it has read, and text that it escapes; no byte of the input is copied
// unread. Style attributes become classes of a sheet of our own, so that the
// page needs no unsafe-inline in its policy. The policy and the sandbox of the
// page are a second and a third wall behind this one.
package inert
