using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Hosting.Activation;
using UnixLoop.Hosting.Interop;
using UnixLoop.Hosting.Kestrel.Connections;
using UnixLoop.Hosting.Kestrel.Listening;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Kestrel;

/// <summary>
/// What Kestrel asks for a transport. It asks the factory that was registered last first, and the next one where <see cref="CanBind"/> says no:
/// so TCP goes to Kestrel's own sockets.
/// </summary>
internal sealed class LoopTransportFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private const int AddressInUse = 98; // EADDRINUSE

    private readonly IServiceProvider _services;
    private readonly TransportLoops _loops;
    private readonly ListenerCatalog _catalog;

    /// <summary>Not read before the first bind: the server is made when the application is built, and wrong options are the host's start to tell, with all others.</summary>
    private readonly IOptions<KestrelTransportOptions> _options;

    private readonly SocketActivation? _activation;
    private readonly ILogger _logger;
    private readonly MemoryPool<byte> _memory;

    public LoopTransportFactory(
        IServiceProvider services, TransportLoops loops, ListenerCatalog catalog, IOptions<KestrelTransportOptions> options, ShutdownLog log, IHostApplicationLifetime application)
    {
        _services = services;
        _loops = loops;
        _catalog = catalog;
        _options = options;
        _activation = services.GetService<SocketActivation>();
        // Some lines come between a bind and its owner, who would not close it.
        _logger = new ForgivingLogger(log.OnceStopping.CreateLogger(KestrelLog.Category));
        _memory = services.GetService<IMemoryPoolFactory<byte>>()?.Create() ?? MemoryPool<byte>.Shared;
        application.ApplicationStarted.Register(WarnOfUnused);
    }

    /// <summary>Ours are Unix sockets; and what nobody else could bind, so that the error can say why.</summary>
    public bool CanBind(EndPoint endpoint) => endpoint switch
    {
        UnixDomainSocketEndPoint => true,
        FileHandleEndPoint file => Libc.IsUnixStream((int)file.FileHandle) || IsActivated(file) || IsAlone(),
        _ => IsAlone(),
    };

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        IUnixEventLoop[] loops = await _loops.StartAsync(cancellationToken).ConfigureAwait(false);
        UnixStreamListener listener = endpoint switch
        {
            UnixDomainSocketEndPoint unix => await BindAsync(UnixSocketAddress.FromEndPoint(unix), loops, cancellationToken).ConfigureAwait(false),
            FileHandleEndPoint file => Adopt(file, loops),
            _ => throw NotOurs(endpoint),
        };
        KestrelLog.EndpointBound(_logger, listener.LocalAddress.ToString(), loops[0].Name, _options.Value.ApplicationScheduling, loops.Length);
        return new LoopConnectionListener(listener, endpoint is FileHandleEndPoint ? EndPointOf(listener.LocalAddress) : endpoint, _memory, _logger);
    }

    public void Dispose() => _memory.Dispose();

    private async ValueTask<UnixStreamListener> BindAsync(UnixSocketAddress address, IUnixEventLoop[] loops, CancellationToken cancellationToken)
    {
        NamedListener? named = _catalog.Use(address);
        UnixStreamListenerOptions options = ListenerOptions(named?.Options ?? new UnixListenerOptions(), loops);
        if (named is not null && TakeActivated(named) is { } activated)
        {
            KestrelLog.EndpointActivated(_logger, address.ToString(), activated.Name, activated.Descriptor);
            UnixStreamListener listener = UnixStreamListener.FromSocket(loops[0], activated.Handle, options);
            ActivatedListener.WarnOfDifferences(_logger, activated.Name, listener.LocalAddress, address, named.Options);
            return listener;
        }
        try
        {
            return await UnixStreamListener.BindAsync(loops[0], address, options, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (e.HResult == AddressInUse && ActivatedListener.WhyNotTaken(_activation, named) is { } why)
        {
            // Not AddressInUseException, of which Kestrel tells the address alone.
            throw new IOException($"{why} {e.Message}", e);
        }
        catch (ArgumentException e) when (named is not null)
        {
            // A user or group that there is not, say.
            throw new IOException($"The listener '{named.Name}' can't be bound to {address}: {e.Message}", e);
        }
        catch (IOException e) when (e.HResult == AddressInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }
    }

    private ActivatedSocket? TakeActivated(NamedListener named)
    {
        if (_activation is null)
            return null;
        _activation.Read();
        if (_activation.TryTake(named.FdName, out ActivatedSocket? socket) || !_activation.IsActivated || named.Options.FdName is null)
            return socket;
        throw new IOException(
            $"The listener '{named.Name}' has the FdName '{named.FdName}', but no activated socket has that name; left are: {string.Join(", ", _activation.Untaken)}.");
    }

    private UnixStreamListener Adopt(FileHandleEndPoint file, IUnixEventLoop[] loops)
    {
        if (IsActivated(file))
        {
            throw new InvalidOperationException(
                $"Descriptor {file.FileHandle} of the socket activation was taken both by UseSystemdSocketActivation() and by Kestrel's UseSystemd(): call one of them.");
        }
        if (!Libc.IsUnixStream((int)file.FileHandle))
            throw NotOurs(file);
        var handle = new SafeFileHandle((nint)file.FileHandle, ownsHandle: true); // as Kestrel's own transport has it: who hands a descriptor in gives it away
        try
        {
            // Whom it accepts stands in the listener that has its address, as with one that is bound here.
            NamedListener? named = Libc.AddressOf((int)file.FileHandle) is { } address ? _catalog.Use(address) : null;
            return UnixStreamListener.FromSocket(loops[0], handle, ListenerOptions(named?.Options ?? new UnixListenerOptions(), loops));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private UnixStreamListenerOptions ListenerOptions(UnixListenerOptions listener, IUnixEventLoop[] loops)
    {
        KestrelTransportOptions options = _options.Value;
        return new UnixStreamListenerOptions
        {
            Backlog = listener.Backlog,
            Mode = ListenerRules.Mode(listener.Mode),
            Owner = listener.Owner,
            Group = listener.Group,
            DirectoryMode = ListenerRules.Mode(listener.DirectoryMode),
            ReplaceStaleSocket = listener.ReplaceStaleSocket,
            LockDirectory = listener.LockDirectory,
            ConnectionLimit = listener.ConnectionLimit,
            AllowedUsers = listener.AllowedUsers.Count > 0 ? [.. listener.AllowedUsers] : null,
            AllowedGroups = listener.AllowedGroups.Count > 0 ? [.. listener.AllowedGroups] : null,
            AllowAnyUser = listener.AllowAnyUser,
            ConnectionLoops = loops,
            Connection = new UnixStreamConnectionOptions
            {
                InputHighWaterMark = options.MaxReadBufferSize,
                InputLowWaterMark = options.MaxReadBufferSize / 2,
                OutputHighWaterMark = options.MaxWriteBufferSize,
                OutputLowWaterMark = options.MaxWriteBufferSize / 2,
                Scheduler = options.ApplicationScheduling == ApplicationScheduling.Inline ? PipeScheduler.Inline : PipeScheduler.ThreadPool,
                CoalesceFlushes = true,
                // Kestrel has its own bounds: MinResponseDataRate, and the host's time to stop.
                CloseTimeout = Timeout.InfiniteTimeSpan,
            },
        };
    }

    /// <summary>
    /// What the socket is bound to, as .NET's own sockets tell it. Not the FileHandleEndPoint: it has no address family, for which Kestrel's metrics ask
    /// each connection's end point.
    /// </summary>
    private static EndPoint EndPointOf(UnixSocketAddress address)
    {
        const int nameOffset = 2; // of sun_path
        ReadOnlySpan<byte> name = address.IsAbstract ? [0, .. address.Bytes] : address.Bytes;
        SocketAddress native = new(AddressFamily.Unix, nameOffset + name.Length);
        name.CopyTo(native.Buffer.Span[nameOffset..]);
        return new UnixDomainSocketEndPoint("/").Create(native);
    }

    private bool IsActivated(FileHandleEndPoint file)
    {
        if (_activation is null)
            return false;
        _activation.Read();
        return _activation.Includes((int)file.FileHandle);
    }

    /// <summary>UseKestrelCore adds its sockets only where no transport is registered yet.</summary>
    private bool IsAlone() => _services.GetServices<IConnectionListenerFactory>().All(factory => factory.GetType().Assembly == typeof(LoopTransportFactory).Assembly);

    private static InvalidOperationException NotOurs(EndPoint endpoint) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"{endpoint} is no Unix socket, and UnixLoop's is the only transport: call UseKestrelTransport after ConfigureWebHostDefaults."));

    private void WarnOfUnused()
    {
        _catalog.WarnOfUnused();
        foreach (string name in _activation?.Untaken ?? [])
            KestrelLog.ActivatedSocketUnused(_logger, name);
    }
}
