"""What ``--help`` prints: options under titles, and those first that most people need."""

import argparse
from collections.abc import Callable

_MOST_NEEDED = ("runner", "catalog", "config", "columns", "thresh", "zero_point_key", "extensions",
                "jobs", "max_failures", "summary", "help_all")
# Of mrjob's own, what every runner has; the rest is that of one of them, or means nothing here.
_OF_MRJOB = ("runner", "output_dir", "cat_output", "conf_paths", "quiet", "verbose", "help")
_OF_CLUSTERS = ("hadoop_bin", "hadoop_streaming_jar", "jobconf", "cmdenv", "python_bin",
                "spark_master", "spark_deploy_mode", "spark_tmp_dir", "spark_submit_bin",
                "spark_args")
RUNNERS = ("inline", "local", "spark", "hadoop", "emr")  # mrjob has one more, untried here


class Titles:
    """The options of a parser under titles, in the order in which they are declared.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        With mrjob's options.

    Attributes
    ----------
    dests : set of str
        Where the values of the options that came since go.
    """

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parser = parser
        self.dests: set[str] = set()
        self._titles = {title: [a for a in parser._actions if a.option_strings and a.dest in dests]
                        for title, dests in (("Where it runs", _OF_MRJOB),
                                             ("Hadoop and Spark", _OF_CLUSTERS))}
        for action in parser._actions:
            if action.dest == "runner":
                action.choices, action.metavar = RUNNERS, "|".join(RUNNERS)
                action.help = "where to run the job [inline]"

    def under(self, title: str) -> Callable[..., argparse.Action]:
        """Return what declares an option under a title, as `add_argument` does."""
        actions = self._titles.setdefault(title, [])

        def add_argument(*words, **keywords):
            for word in set(words).intersection(self._parser._option_string_actions):
                self._take_from_mrjob(word)
            action = self._parser.add_argument(*words, **keywords)
            actions.append(action)
            self.dests.add(action.dest)
            return action
        return add_argument

    def _take_from_mrjob(self, word):
        """Have an option that mrjob has too be ours; what theirs is for keeps its default."""
        theirs = self._parser._option_string_actions[word]
        if theirs.dest in self.dests:
            return  # it is ours: argparse says that it is there twice
        self._parser.set_defaults(**{theirs.dest: theirs.default})
        theirs.container._handle_conflict_resolve(None, [(word, theirs)])

    def short(self, usage: str) -> str:
        """Return the text that shows the most needed options."""
        known = {action.dest: action for actions in self._titles.values() for action in actions}
        titles = [f"\n  {title}" for title, actions in self._titles.items() if _shown(actions)]
        return self._text(usage, {
            "what most people need": [known[d] for d in _MOST_NEEDED if d in known],
        }) + "\n--help-all has them all:" + "".join(titles) + "\n"

    def whole(self, usage: str) -> str:
        """Return the text that shows them all."""
        return self._text(usage, self._titles) + (
            "\n-r hadoop --help, or the name of another runner, lists mrjob's own options for it\n")


    def _text(self, usage, titles):
        formatter = argparse.HelpFormatter(self._parser.prog)
        formatter.add_usage(usage, [], [])
        for title, actions in titles.items():
            if _shown(actions):
                formatter.start_section(title)
                formatter.add_arguments(actions)
                formatter.end_section()
        return formatter.format_help()


def _shown(actions):
    return [action for action in actions if action.help != argparse.SUPPRESS]


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return what makes a shell complete the options of a parser.

    Raises
    ------
    ValueError
        For another shell, or where the package shtab is not there.
    """
    try:
        import shtab
    except ImportError:
        raise ValueError("--print-completion needs shtab: pip install 'mr_extract[completion]'"
                         ) from None
    if shell not in shtab.SUPPORTED_SHELLS:
        raise ValueError(f"--print-completion: {shell!r} is none of "
                         f"{', '.join(shtab.SUPPORTED_SHELLS)}")
    return shtab.complete(parser, shell)
