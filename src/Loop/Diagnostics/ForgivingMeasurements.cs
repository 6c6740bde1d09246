using System.Diagnostics.Metrics;

namespace UnixLoop;

/// <summary>
/// Measurements whose listeners may fail. They are called right where a figure is taken (MeterListener), and a figure is less than a
/// child's exit, its start, or a loop: what they throw is dropped. Also compiled into UnixLoop.Hosting.
/// </summary>
internal static class ForgivingMeasurements
{
    internal static void AddQuietly<T>(this Counter<T> counter, T delta, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
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

    internal static void AddQuietly<T>(this UpDownCounter<T> counter, T delta, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
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

    internal static void RecordQuietly<T>(this Histogram<T> histogram, T value, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
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
