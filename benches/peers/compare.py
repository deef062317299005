"""Compares single operations and chains from file to file with other programs, in one table.

    python3 benches/peers/compare.py [--threads 1] [--repeats 5] [--turns 3] [--large] [NAME ...]

The peers are OpenCV, libvips, Pillow, scikit-image, SciPy and NumPy. They are installed into
`target/peers` on the first run, in the versions of requirements.txt. Only rows whose name contains
one of the names are made, if there are any: `file` are those of files. `ratio` is ours divided by
that of the fastest peer, so that below 1 we are faster or smaller.
What is measured is told in `operations.py` and `files.py`; the rows of single operations are in
`rows`, by subject.
"""

import argparse

from common import install


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only rows whose name contains one of these")
    parser.add_argument("--threads", type=int, default=1, help="of single operations")
    parser.add_argument("--repeats", type=int, default=5, help="runs of an operation in a row")
    parser.add_argument("--turns", type=int, default=3, help="how often programs take turns")
    parser.add_argument("--large", action="store_true", help="also a file of 900 megapixels")
    return parser.parse_args()


def main():
    install()
    options = arguments()
    # Only here, as the peers are installed now.
    import files
    import operations

    is_wanted = lambda name: not options.names or any(part in name for part in options.names)
    print("| operation | picture | ours | fastest peer | peer | ratio |")
    print("|---|---|---|---|---|---|")
    ratios, notes = [], []
    for module in [operations, files]:
        for cells, ratio in module.compare(is_wanted, options, notes):
            ratios.append(ratio)
            print(f"| {' | '.join(cells)} | {ratio:.2f} |", flush=True)
    for limit in [1.0, 1.25]:
        print(f"\n{sum(ratio <= limit for ratio in ratios)} of {len(ratios)} at most {limit} ×")
    for note in notes:
        print(f"\n{note}")


if __name__ == "__main__":
    main()
