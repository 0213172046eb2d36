// Command unmodified is a client as anybody writes it for Microsoft's cloud: the library's
// default credential and the cloud's own addresses, nothing about a simulator. It prints
// what it saw as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := look(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func look(ctx context.Context) error {
	cred, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return err
	}
	var out struct {
		Users, Policies []string
		Subscriptions   int
	}
	if out.Users, err = list(ctx, cred, "https://graph.microsoft.com/.default", "https://graph.microsoft.com/v1.0/users?$select=id&$top=2", "id"); err != nil {
		return err
	}
	if out.Policies, err = list(ctx, cred, "https://graph.microsoft.com/.default", "https://graph.microsoft.com/beta/identity/conditionalAccess/policies", "id"); err != nil {
		return err
	}
	subscriptions, err := list(ctx, cred, "https://management.azure.com/.default", "https://management.azure.com/subscriptions?api-version=2019-11-01", "subscriptionId")
	if err != nil {
		return err
	}
	out.Subscriptions = len(subscriptions)
	return json.NewEncoder(os.Stdout).Encode(out)
}

// list reads all pages and gives one property of each object.
func list(ctx context.Context, cred *azidentity.DefaultAzureCredential, scope, url, property string) ([]string, error) {
	token, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return nil, err
	}
	var ids []string
	for url != "" {
		p, err := read(ctx, token.Token, url)
		if err != nil {
			return nil, err
		}
		for _, o := range p.Value {
			id, _ := o[property].(string)
			ids = append(ids, id)
		}
		url = p.Next
	}
	return ids, nil
}

type page struct {
	Value []map[string]any
	Next  string `json:"@odata.nextLink"`
}

func read(ctx context.Context, token, url string) (p page, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return p, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return p, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return p, fmt.Errorf("%s: %s", url, res.Status)
	}
	return p, json.NewDecoder(res.Body).Decode(&p)
}
