using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using UnixLoop.Transports;

namespace UnixLoop.Hosting.Kestrel.Connections;

/// <summary>A connection of the loop as Kestrel wants it.</summary>
internal sealed class LoopConnectionContext : ConnectionContext, IDuplexPipe,
    IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature,
    IMemoryPoolFeature, IPersistentStateFeature, IPeerCredentialsFeature
{
    /// <summary>Differs from process to process, as Kestrel's own ids do.</summary>
    private static long s_lastId = FirstId();

    private readonly UnixStreamConnection _connection;
    private readonly TransportReader _input;
    private readonly TransportWriter _output;
    private string? _id;
    private IDictionary<object, object?>? _items;
    private IDictionary<object, object?>? _state;

    internal LoopConnectionContext(UnixStreamConnection connection, EndPoint local, MemoryPool<byte> memory)
    {
        _connection = connection;
        _input = new TransportReader(connection.Input);
        _output = new TransportWriter(connection.Output);
        Transport = this;
        MemoryPool = memory;
        LocalEndPoint = local;
        ConnectionClosed = connection.Closed;
        Features = new FeatureCollection();
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IConnectionEndPointFeature>(this);
        Features.Set<IMemoryPoolFeature>(this);
        Features.Set<IPersistentStateFeature>(this);
        Features.Set<IPeerCredentialsFeature>(this);
    }

    public override string ConnectionId
    {
        get => _id ??= Interlocked.Increment(ref s_lastId).ToString("X13", CultureInfo.InvariantCulture);
        set => _id = value;
    }

    public override IFeatureCollection Features { get; }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    /// <summary>Middleware puts its own in the place of ours, as TLS does.</summary>
    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    /// <summary>Null: a client's socket has no name, as a rule.</summary>
    public override EndPoint? RemoteEndPoint { get; set; }

    public MemoryPool<byte> MemoryPool { get; }

    public PeerCredentials PeerCredentials => _connection.PeerCredentials;

    PipeReader IDuplexPipe.Input => _input;

    PipeWriter IDuplexPipe.Output => _output;

    IDictionary<object, object?> IPersistentStateFeature.State => _state ??= new ConnectionItems();

    public override void Abort(ConnectionAbortedException abortReason) => _connection.Abort(abortReason);

    /// <summary>Sends what was written, however long the client takes: Kestrel's own limits abort one that takes too long.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _input.CompleteAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    public override string ToString() => $"{ConnectionId}: {_connection}";

    private static long FirstId() => TimeProvider.System.GetUtcNow().UtcTicks;
}
