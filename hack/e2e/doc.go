// Package e2e tests the program as its users have it: scripts in testdata/script run the real binary against a real engine, and
// ask the engine, not the program, what became of it. It needs an engine (hack/engine), its images (hack/images) and docker's
// client. See script_test.go for the commands that scripts have beside testscript's own.
//
// An agent acts on all of berth's on its engine. These tests therefore use namespaces that begin with "e2e-", remove nothing
// else, and refuse to run where anything else is berth's.
package e2e
