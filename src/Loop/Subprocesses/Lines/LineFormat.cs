using System.Text;

namespace UnixLoop.Subprocesses;

/// <summary>How a stream becomes lines.</summary>
/// <param name="IsError">Which stream.</param>
/// <param name="MaxBytes">Where longer lines are cut.</param>
/// <param name="Encoding">One that never throws.</param>
internal readonly record struct LineFormat(bool IsError, int MaxBytes, Encoding Encoding)
{
    internal static LineFormat Of(SubprocessRunOptions options, bool isError) => new(isError, options.MaxLineBytes, TextEncodings.Lenient(options.Encoding));
}
