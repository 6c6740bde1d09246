using System.Diagnostics.Metrics;

namespace UnixLoop;

/// <summary>
/// Measurements whose listeners may fail. They are called right where a figure is taken (MeterListener), and a figure is less than a
/// child's exit, its start, or a loop: what they throw is dropped. Also compiled into UnixLoop.Hosting.
/// </summary>
internal static class ForgivingMeasurements
{
    // Each asks first whether anybody listens: where nobody does, no call is left of it.
    internal static void AddQuietly<T>(this Counter<T> counter, T delta, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
        where T : struct
    {
        if (counter.Enabled)
            Add(counter, delta, tags);
    }

    internal static void AddQuietly<T>(this UpDownCounter<T> counter, T delta, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
        where T : struct
    {
        if (counter.Enabled)
            Add(counter, delta, tags);
    }

    internal static void RecordQuietly<T>(this Histogram<T> histogram, T value, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
        where T : struct
    {
        if (histogram.Enabled)
            Record(histogram, value, tags);
    }

    private static void Add<T>(Counter<T> counter, T delta, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        where T : struct
    {
        try
        {
            counter.Add(delta, tags);
        }
        catch (Exception)
        {
            // Whatever it is, as with ForgivingLogger.
        }
    }

    private static void Add<T>(UpDownCounter<T> counter, T delta, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        where T : struct
    {
        try
        {
            counter.Add(delta, tags);
        }
        catch (Exception)
        {
            // As above.
        }
    }

    private static void Record<T>(Histogram<T> histogram, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        where T : struct
    {
        try
        {
            histogram.Record(value, tags);
        }
        catch (Exception)
        {
            // As above.
        }
    }

    /// <summary>Listeners are told of each instrument's end.</summary>
    internal static void DisposeQuietly(this Meter meter)
    {
        try
        {
            meter.Dispose();
        }
        catch (Exception)
        {
            // As above.
        }
    }
}
