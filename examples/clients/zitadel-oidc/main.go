// Signs the visitor of / in, shows the claims, and refreshes at /refresh. One visitor at a time: it is an example.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log"
	"net/http"
	"os"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zhttp "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

func main() {
	own := "127.0.0.1:" + os.Getenv("PORT")
	key := make([]byte, 32)
	rand.Read(key)
	cookies := zhttp.NewCookieHandler(key, key, zhttp.WithUnsecure())
	party, err := rp.NewRelyingPartyOIDC(
		context.Background(), os.Getenv("ISSUER"), "zitadel-oidc", os.Getenv("CLIENT_SECRET"),
		"http://"+own+"/callback",
		[]string{"openid", "profile", "email", "groups", "offline_access"},
		rp.WithCookieHandler(cookies), rp.WithPKCE(cookies),
	)
	if err != nil {
		log.Fatal(err)
	}
	var refreshToken string
	show := func(w http.ResponseWriter, tokens *oidc.Tokens[*oidc.IDTokenClaims]) {
		refreshToken = tokens.RefreshToken
		json.NewEncoder(w).Encode(tokens.IDTokenClaims)
	}
	state := func() string { return rand.Text() }
	http.HandleFunc("/", rp.AuthURLHandler(state, party))
	http.HandleFunc("/callback", rp.CodeExchangeHandler(
		func(w http.ResponseWriter, _ *http.Request, tokens *oidc.Tokens[*oidc.IDTokenClaims], _ string, _ rp.RelyingParty) {
			show(w, tokens)
		}, party))
	http.HandleFunc("/refresh", func(w http.ResponseWriter, r *http.Request) {
		tokens, err := rp.RefreshTokens[*oidc.IDTokenClaims](r.Context(), party, refreshToken, "", "")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		show(w, tokens)
	})
	log.Fatal(http.ListenAndServe(own, nil))
}
