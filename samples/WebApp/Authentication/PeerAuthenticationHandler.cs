using System.Globalization;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting;
using UnixLoop.Transports;

namespace WebApp.Authentication;

/// <summary>Makes a principal of who is at the other end of the Unix socket. Over TCP there is none.</summary>
internal sealed class PeerAuthenticationHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    internal new const string Scheme = "Peer";
    internal const string UserClaim = "uid";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Context.Features.Get<IPeerCredentialsFeature>()?.PeerCredentials is not { } peer)
            return Task.FromResult(AuthenticateResult.NoResult());
        ClaimsIdentity identity = new([new(UserClaim, Text(peer.UserId)), .. Groups(peer)], Scheme, UserClaim, ClaimTypes.Role);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme)));
    }

    /// <summary>Nothing that a client could send would help it.</summary>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => HandleForbiddenAsync(properties);

    private static IEnumerable<Claim> Groups(PeerCredentials peer) =>
        peer.SupplementaryGroups.Prepend(peer.GroupId).Distinct().Select(group => new Claim("gid", Text(group)));

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
