// Package catalogtest is the contract of package catalog in executable form.
//
// In comes a way to open an empty catalog; [Run] tries each promise on it.
// [Memory] keeps the contract in the plainest way, by looking at each document
// for each query; the engines are compared with it, and other packages' tests
// use it in place of an engine. Nothing of it is on disk.
package catalogtest
