// Package indexer carries what the vault has into the catalog.
//
// In come the vault's arrivals in their order; each is read back, its digest
// compared, its text extracted on all cores, and the documents go to
// catalog.Apply in order again. When CatchUp returns nil, all that the vault
// had when it was called is in the catalog. A crash leaves the catalog at some
// earlier cursor, and the next run goes on from there with the same result.
//
// Nothing is dropped: content that is damaged gets a row that says so, a
// record that is lost is stepped over and counted, and an Apply that fails is
// tried again until it works.
package indexer
