using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection.Extensions;
using UnixLoop;
using UnixLoop.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds to the registration of the default loop.</summary>
public static class UnixEventLoopBuilderExtensions
{
    /// <summary>
    /// Runs <paramref name="handler"/> on the thread pool for <paramref name="signal"/>, in a service scope of its own: one call
    /// at a time; deliveries during a call are told by one further call. Several handlers of one signal run one after another, in the order
    /// of their registration; one that throws is logged. A handler for TERM, INT or QUIT runs beside the lifetime's; any other signal does
    /// nothing from the stop of the services to the end of the process, or 2 s after the host's disposal.
    /// </summary>
    /// <param name="builder">The default loop's builder.</param>
    /// <param name="signal">A signal that can be handled; any other is refused when the host starts.</param>
    /// <param name="handler">Gets the scope's services, and a token that is cancelled once the host has stopped its services.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="InvalidOperationException">The builder is a named loop's.</exception>
    public static IUnixEventLoopBuilder OnSignal(this IUnixEventLoopBuilder builder, UnixSignal signal, Func<IServiceProvider, CancellationToken, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ThrowIfNamed(builder).AddSingleton(new SignalHandler(signal, handler));
        return builder;
    }

    /// <summary>Chooses how the ends of children are noticed; the same as <see cref="UnixEventLoopOptions.ChildWatcher"/>.</summary>
    /// <param name="builder">The default loop's builder.</param>
    /// <param name="kind">Which watcher.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="InvalidOperationException">The builder is a named loop's.</exception>
    public static IUnixEventLoopBuilder UseChildWatcher(this IUnixEventLoopBuilder builder, ChildWatcherKind kind)
    {
        ThrowIfNamed(builder).Configure<UnixEventLoopOptions>(options => options.ChildWatcher = kind);
        return builder;
    }

    /// <summary>Makes <typeparamref name="T"/> the <see cref="IChildWatcher"/>: a singleton, attached to the default loop when the host starts.</summary>
    /// <typeparam name="T">Made by dependency injection.</typeparam>
    /// <param name="builder">The default loop's builder.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="InvalidOperationException">The builder is a named loop's.</exception>
    public static IUnixEventLoopBuilder UseChildWatcher<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(this IUnixEventLoopBuilder builder)
        where T : class, IChildWatcher
    {
        ThrowIfNamed(builder).Replace(ServiceDescriptor.Singleton<IChildWatcher, T>());
        return builder;
    }

    /// <summary>
    /// Keeps a program running from the host's start to its stop (docs/supervision.md). What the part <c>Processes:&lt;name&gt;</c> of the
    /// configuration section says of it is set first.
    /// </summary>
    /// <param name="builder">The default loop's builder.</param>
    /// <param name="name">Not empty; names its options, its log category and its metrics, and <see cref="ISupervisor"/> knows it by that.</param>
    /// <param name="configure">Sets its options; called at each reload of the configuration.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="InvalidOperationException">The builder is a named loop's.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> differs from an earlier one by case alone.</exception>
    public static IUnixEventLoopBuilder AddSupervisedProcess(this IUnixEventLoopBuilder builder, string name, Action<SupervisedProcessOptions> configure)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(configure);
        Registration.AddProcess(ThrowIfNamed(builder), name);
        builder.Services.Configure(name, configure);
        return builder;
    }

    internal static IServiceCollection ThrowIfNamed(this IUnixEventLoopBuilder builder, [CallerMemberName] string method = "")
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Name.Length == 0
            ? builder.Services
            : throw new InvalidOperationException(
                $"{method} was called for the loop '{builder.Name}'; signals, children and Kestrel's transport belong to the default loop: use the builder of AddUnixEventLoop(…) without a name.");
    }
}
