using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace UnixLoop.Hosting;

/// <summary>A range whose message names the value; RangeAttribute's type-converting constructor is not safe to trim.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class TimeSpanRangeAttribute(string minimum, string maximum) : ValidationAttribute
{
    public string Minimum => minimum;

    public string Maximum => maximum;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        ArgumentNullException.ThrowIfNull(validationContext);
        var time = (TimeSpan)value!;
        return time >= Parse(minimum) && time <= Parse(maximum)
            ? ValidationResult.Success
            : new ValidationResult(string.Create(
                CultureInfo.InvariantCulture,
                $"{validationContext.MemberName} is {time:c}; it must be between {Parse(minimum):c} and {Parse(maximum):c}."));
    }

    private static TimeSpan Parse(string time) => TimeSpan.ParseExact(time, "c", CultureInfo.InvariantCulture);
}
