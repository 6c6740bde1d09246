using System.Globalization;
using Microsoft.AspNetCore.Authorization;

namespace WebApp.Authentication;

/// <summary>The client's user is one of the allowed ones.</summary>
internal sealed class AllowedPeers : IAuthorizationRequirement
{
    internal const string Policy = "allowed-peers";
}

internal sealed class AllowedPeersHandler(WebAppOptions options) : AuthorizationHandler<AllowedPeers>
{
    private readonly string[] _allowed = options.AllowedUsers.Length > 0
        ? [.. options.AllowedUserIds.Select(user => user.ToString(CultureInfo.InvariantCulture))]
        : [OwnUser()];

    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, AllowedPeers requirement)
    {
        if (context.User.FindFirst(PeerAuthenticationHandler.UserClaim) is { } user && _allowed.Contains(user.Value))
            context.Succeed(requirement);
        return Task.CompletedTask;
    }

    /// <summary>The effective user (proc_pid_status(5): real, effective, saved, file system).</summary>
    private static string OwnUser() => File.ReadLines("/proc/self/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2];
}
