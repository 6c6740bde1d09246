using Microsoft.Extensions.DependencyInjection;

namespace UnixLoop.Hosting;

/// <summary>What <c>AddUnixEventLoop</c> returns, for the calls that add to the loop's registration.</summary>
public interface IUnixEventLoopBuilder
{
    /// <summary>The loop's name, which is its service key and the name of its options; empty for the default loop.</summary>
    string Name { get; }

    /// <summary>The application's services.</summary>
    IServiceCollection Services { get; }
}
