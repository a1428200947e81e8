// Package oauth registers Mattermost as an OAuth application in GitLab, performs
// the login that Mattermost performs, and names the cause when it fails.
//
// Most callers need two functions: [Ensure], which makes the application exist
// as wanted through one of three routes, and [Prober.Run], which walks the
// login sequence and says what is wrong and how to put it right.
//
// # The application
//
// [Desired] gives the application for a Mattermost URL: both redirect URIs,
// scope read_user, confidential and trusted. [LinuxPackageApplication] is the
// one that GitLab's Linux package made until 18.11: no scope, not trusted.
//
// # Routes
//
//   - [APIRoute] talks to the Applications API with an administrator's token.
//   - [DatabaseRoute] writes GitLab's own table with one transaction, for the
//     case that both run on one server.
//   - [ManualRoute] says what to click and checks what comes back.
//
// All three are a [Route]: Find reads, Plan decides without changing anything,
// Apply does exactly what the plan says or refuses.
//
// # The login
//
// [Login] is an http.Handler for "sign in with GitLab" with the same paths as
// Mattermost. Package oauthtest is a GitLab for tests that runs in the process.
//
// Secrets are of type [Secret], which prints as [redacted] everywhere. What is
// not promised: the wording of messages and the layout of text, SVG and
// Mermaid output may change; identifiers of findings and causes do not.
package oauth
