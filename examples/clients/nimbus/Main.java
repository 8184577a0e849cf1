import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.oauth2.sdk.*;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.*;
import com.nimbusds.oauth2.sdk.pkce.*;
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import com.nimbusds.openid.connect.sdk.*;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import com.sun.net.httpserver.*;
import java.net.*;

/** Signs the visitor of / in, shows the claims, and refreshes at /refresh. One visitor at a time: it is an example. */
public class Main {
  static final ClientID CLIENT = new ClientID("nimbus");
  static final State STATE = new State();
  static final Nonce NONCE = new Nonce();
  static final CodeVerifier VERIFIER = new CodeVerifier();
  static OIDCProviderMetadata provider;
  static URI callback;
  static RefreshToken refreshToken;

  public static void main(String[] arguments) throws Exception {
    var port = Integer.parseInt(System.getenv("PORT"));
    provider = OIDCProviderMetadata.resolve(new Issuer(System.getenv("ISSUER")));
    callback = new URI("http://127.0.0.1:" + port + "/callback");
    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.createContext("/", exchange -> answer(exchange, Main::begin));
    server.createContext("/callback", exchange -> answer(exchange, Main::signedIn));
    server.createContext("/refresh", exchange -> answer(exchange, Main::refresh));
    server.start();
  }

  static String begin(HttpExchange exchange) {
    var scope = new Scope("openid", "profile", "email", "groups", "offline_access");
    var request =
        new AuthenticationRequest.Builder(ResponseType.CODE, scope, CLIENT, callback)
            .endpointURI(provider.getAuthorizationEndpointURI())
            .state(STATE)
            .nonce(NONCE)
            .codeChallenge(VERIFIER, CodeChallengeMethod.S256)
            .build();
    exchange.getResponseHeaders().set("Location", request.toURI().toString());
    return "";
  }

  static String signedIn(HttpExchange exchange) throws Exception {
    var url = callback.resolve(exchange.getRequestURI());
    var response = AuthenticationResponseParser.parse(url).toSuccessResponse();
    if (!STATE.equals(response.getState())) throw new IllegalArgumentException("another state");
    return claims(new AuthorizationCodeGrant(response.getAuthorizationCode(), callback, VERIFIER), NONCE);
  }

  static String refresh(HttpExchange exchange) throws Exception {
    return claims(new RefreshTokenGrant(refreshToken), null);
  }

  static String claims(AuthorizationGrant grant, Nonce nonce) throws Exception {
    var secret = new ClientSecretBasic(CLIENT, new Secret(System.getenv("CLIENT_SECRET")));
    var request = new TokenRequest.Builder(provider.getTokenEndpointURI(), secret, grant).build();
    var response = OIDCTokenResponseParser.parse(request.toHTTPRequest().send());
    if (!response.indicatesSuccess()) throw new Exception(response.toErrorResponse().toJSONObject().toString());
    OIDCTokens tokens = ((OIDCTokenResponse) response.toSuccessResponse()).getOIDCTokens();
    refreshToken = tokens.getRefreshToken();
    var keys = provider.getJWKSetURI().toURL();
    var validator = new IDTokenValidator(provider.getIssuer(), CLIENT, JWSAlgorithm.RS256, keys);
    return validator.validate(tokens.getIDToken(), nonce).toJSONString();
  }

  interface Answer {
    String to(HttpExchange exchange) throws Exception;
  }

  static void answer(HttpExchange exchange, Answer answer) throws java.io.IOException {
    int status = 200;
    String body;
    try {
      body = answer.to(exchange);
      if (exchange.getResponseHeaders().containsKey("Location")) status = 303;
    } catch (Exception error) {
      status = 500;
      body = error.toString();
    }
    var bytes = body.getBytes();
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}
