using System.Runtime.InteropServices;

namespace UnixLoop.Selector;

/// <summary>Joins the readable and the writable interest in one descriptor, which epoll knows only once. Any thread.</summary>
internal sealed class DescriptorWatches(EpollSelector selector)
{
    private readonly Lock _gate = new();

    /// <summary>Guarded by <see cref="_gate"/>.</summary>
    private readonly Dictionary<int, DescriptorWatch> _watches = [];

    internal IDisposable Add(SafeHandle handle, WatchDirection direction, Action callback)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ArgumentNullException.ThrowIfNull(callback);
        if (handle.IsInvalid)
            throw new ArgumentException("The handle holds no descriptor.", nameof(handle));

        lock (_gate)
        {
            int descriptor = (int)handle.DangerousGetHandle();
            bool isNew = !_watches.TryGetValue(descriptor, out DescriptorWatch? watch);
            watch ??= new DescriptorWatch(this, descriptor);
            if (watch[direction] is not null)
                throw new InvalidOperationException(
                    $"Descriptor {descriptor} is already watched for being {(direction == WatchDirection.Readable ? "readable" : "writable")}.");

            var interest = new DescriptorInterest(this, watch, direction, handle, callback);
            interest.Borrow();
            watch[direction] = interest;
            try
            {
                if (isNew)
                {
                    watch.Registration = selector.Register(handle, watch.Events, watch);
                    _watches.Add(descriptor, watch);
                }
                else
                {
                    if (watch.Registration!.IsRemoved)
                        throw EpollSelector.LoopEnded();
                    watch.Registration.Modify(watch.Events);
                }
            }
            catch
            {
                watch[direction] = null;
                interest.Release();
                throw;
            }
            return interest;
        }
    }

    internal void Remove(DescriptorInterest interest)
    {
        lock (_gate)
        {
            DescriptorWatch watch = interest.Watch;
            if (!ReferenceEquals(watch[interest.Direction], interest))
                return;
            watch[interest.Direction] = null;
            if (watch.Events != 0)
            {
                // An error (ENOMEM) leaves the wider mask: Narrow follows, should an event come that nobody wants any more.
                _ = watch.Registration!.TryModify(watch.Events);
            }
            else
            {
                _watches.Remove(watch.Descriptor);
                watch.Registration!.Dispose();
            }
        }
        // Last: the close that this may set off must come after EPOLL_CTL_DEL (linux.md, rule 3).
        interest.Release();
    }

    /// <summary>Brings the mask in line with the interests, after an event that none of them asked for.</summary>
    internal void Narrow(DescriptorWatch watch)
    {
        lock (_gate)
        {
            if (watch.Events != 0)
                _ = watch.Registration!.TryModify(watch.Events);
        }
    }
}
