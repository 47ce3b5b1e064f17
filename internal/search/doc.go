// Package search turns what somebody typed into a query tree, runs it within
// their scope and gives hits with a piece of the text around the words found.
//
// In come a query and a scope; out go hits. Nothing is written.
//
// # The language
//
//	invoice march              both words, anywhere in the message
//	"annual report"            the words next to each other
//	from:alice to:bob@example.org subject:"annual report"
//	after:2026-03-01 before:2026-04 date:2025
//	cat OR dog, -spam, NOT spam, (cat OR dog) -bird
//
// Fields: any from to subject delivered message-id body attachment, and after
// before date. Operators are in capitals; AND is what stands between two
// terms anyway. What looks like a field but is none is a word, unless it comes
// close to a field's name; quotes make it text in any case.
package search
