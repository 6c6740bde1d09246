using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting;

/// <summary>Checks the attributes of <see cref="UnixEventLoopOptions"/>: each property by itself.</summary>
[OptionsValidator]
internal sealed partial class UnixEventLoopOptionsRanges : IValidateOptions<UnixEventLoopOptions>;
