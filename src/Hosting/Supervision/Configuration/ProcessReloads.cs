using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Supervision;

/// <summary>What a reload came to.</summary>
internal record struct ProcessChanges(int Added, int Removed, int Changed, int Kept);

/// <summary>Applies what it was given; false if it is too late for that.</summary>
internal delegate bool ApplyProcesses(IReadOnlyDictionary<string, SupervisedProcessOptions> wanted, out ProcessChanges changes);

/// <summary>Follows the configuration: reads it after each change, and applies it if it has no mistake.</summary>
internal sealed class ProcessReloads : IAsyncDisposable
{
    /// <summary>The sources of one reload tell of it one after another; what is read has to be all of it.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(100);

    private readonly ProcessCatalog _catalog;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ApplyProcesses _apply;
    private readonly CancellationTokenSource _stop = new();

    // One place in it: changes that come while one is being applied are one further reload.
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly IDisposable _subscription;
    private readonly Task _following;

    internal ProcessReloads(ProcessCatalog catalog, TimeProvider clock, ILogger logger, ApplyProcesses apply)
    {
        _catalog = catalog;
        _clock = clock;
        _logger = logger;
        _apply = apply;
        _subscription = catalog.OnChange(() => _changes.Writer.TryWrite(true));
        _following = Task.Run(FollowAsync);
    }

    public async ValueTask DisposeAsync()
    {
        _subscription.Dispose();
        if (_changes.Writer.TryComplete())
            await _stop.CancelAsync().ConfigureAwait(false);
        await _following.ConfigureAwait(false);
    }

    private async Task FollowAsync()
    {
        try
        {
            while (await _changes.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                await Task.Delay(Settling, _clock, _stop.Token).ConfigureAwait(false);
                while (_changes.Reader.TryRead(out _))
                {
                    // Several changes, one reload.
                }

                Reload();
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever a configuration source or an options delegate throws, the processes go on as they are.")]
    private void Reload()
    {
        var mistakes = new List<string>();
        try
        {
            IReadOnlyDictionary<string, SupervisedProcessOptions> wanted = _catalog.Read(mistakes);
            if (mistakes.Count > 0)
                SupervisionLog.NotReloaded(_logger, string.Join(" ", mistakes));
            else if (_apply(wanted, out ProcessChanges changes) && changes is not { Added: 0, Removed: 0, Changed: 0 })
                SupervisionLog.Reloaded(_logger, changes.Added, changes.Removed, changes.Changed, changes.Kept);
        }
        catch (Exception e)
        {
            SupervisionLog.NotReloaded(_logger, e.Message);
        }
    }
}
