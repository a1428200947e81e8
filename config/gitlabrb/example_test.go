package gitlabrb_test

import (
	"fmt"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

const sample = `external_url 'https://gitlab.example.com'
mattermost['enable'] = true
mattermost['home'] = "/srv/#{'matter' + 'most'}"
mattermost['team_site_name'] = ENV['SITE']
mattermost_external_url = 'https://mattermost.example.com'
`

func ExampleEvaluate() {
	r, err := gitlabrb.Evaluate("gitlab.rb", []byte(sample), gitlabrb.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	home, _ := r.Lookup("mattermost", "home")
	at, _ := r.Pos("mattermost", "home")
	fmt.Println(home, "set at", at)
	for _, u := range r.Undecided {
		fmt.Println(gitlabrb.PathText(u.Path...), "is undecided:", u.Why)
	}
	for _, f := range r.Findings {
		fmt.Printf("%s: %s: %s\n", f.Pos, f.Severity, f.Message)
	}
	// Output:
	// /srv/mattermost set at gitlab.rb:3:1
	// mattermost['team_site_name'] is undecided: ENV['SITE'] is not given
	// gitlab.rb:5:1: error: "mattermost_external_url = …" only makes a local variable: the setting mattermost_external_url is not set
}

func ExampleFile_Set() {
	f, err := gitlabrb.Parse("gitlab.rb", []byte("# mattermost['enable'] = false\nmattermost['env'] = {\n  'A' => '1'\n}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, set := range []struct {
		value any
		path  []string
	}{
		{true, []string{"mattermost", "enable"}},
		{"it's #{text}", []string{"mattermost", "env", "B"}},
	} {
		edit, err := f.Set(set.value, set.path...)
		fmt.Println(edit, err)
	}
	fmt.Print(string(f.Bytes()))
	// Output:
	// changed at gitlab.rb:1:1 <nil>
	// changed at gitlab.rb:2:21 <nil>
	// mattermost['enable'] = true
	// mattermost['env'] = {
	//   'A' => '1',
	//   'B' => 'it\'s #{text}'
	// }
}

func ExampleFile_OneLine() {
	f, err := gitlabrb.Parse("gitlab.rb", []byte("external_url 'http://a' # the site\nnginx['custom'] = <<~EOS\n  gzip off;\nEOS\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.OneLine())
	// Output: external_url 'http://a'; nginx['custom'] = "gzip off;\n" <nil>
}

func ExampleParse_errors() {
	_, err := gitlabrb.Parse("gitlab.rb", []byte("external_url 'https://a'\nmattermost['home'] = 'it's'\nnginx['listen_port'] = [80\nnginx['x'] = {\n"))
	fmt.Println(err)
	// Output:
	// gitlab.rb:2:26: unexpected "s", expected the end of the statement
	// gitlab.rb:4:1: unexpected "nginx", expected "," or "]"
}
