// Signs the visitor of / in, shows the claims, and refreshes at /refresh. One visitor at a time: it is an example.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func main() {
	ctx := context.Background()
	own := "127.0.0.1:" + os.Getenv("PORT")
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	if err != nil {
		log.Fatal(err)
	}
	config := oauth2.Config{
		ClientID:     "go-oidc",
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		Endpoint:     provider.Endpoint(),
		RedirectURL:  "http://" + own + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email", "groups", oidc.ScopeOfflineAccess},
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: config.ClientID})
	pkce, state := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	var token *oauth2.Token

	show := func(w http.ResponseWriter, r *http.Request, next *oauth2.Token, err error) {
		if err == nil {
			token = next
			var claims map[string]any
			var id *oidc.IDToken
			if id, err = verifier.Verify(r.Context(), next.Extra("id_token").(string)); err == nil {
				if err = id.Claims(&claims); err == nil {
					json.NewEncoder(w).Encode(claims)
					return
				}
			}
		}
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, config.AuthCodeURL(state, oauth2.S256ChallengeOption(pkce)), http.StatusSeeOther)
	})
	http.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("state") != state {
			http.Error(w, "another state", http.StatusBadRequest)
			return
		}
		next, err := config.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(pkce))
		show(w, r, next, err)
	})
	http.HandleFunc("/refresh", func(w http.ResponseWriter, r *http.Request) {
		old := &oauth2.Token{RefreshToken: token.RefreshToken, Expiry: time.Now().Add(-time.Hour)}
		next, err := config.TokenSource(r.Context(), old).Token()
		show(w, r, next, err)
	})
	log.Fatal(http.ListenAndServe(own, nil))
}
